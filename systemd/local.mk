# SPDX-License-Identifier: Apache-2.0
# Units for one front, one keeper, one relay and one signer; the template is for a second and third token. systemd reads
# PREFIX/lib/{systemd/system,sysusers.d,tmpfiles.d} for the prefixes /usr and /usr/local.
unitdir = $(prefix)/lib/systemd/system
sysusersdir = $(prefix)/lib/sysusers.d
tmpfilesdir = $(prefix)/lib/tmpfiles.d

nodist_unit_DATA = systemd/kdsignd.service systemd/kdsign-keeper.service systemd/kdsign-relay.service \
	systemd/kdsign-signer.service systemd/kdsign-signer@.service \
	systemd/kdsign-signer.socket systemd/kdsign-signer@.socket
dist_unit_DATA = systemd/kdsignd.socket systemd/kdsignd-status.socket systemd/kdsign-keeper.socket \
	systemd/kdsign-relay.socket
UNIT_TEMPLATES = systemd/kdsignd.service.in systemd/kdsign-keeper.service.in systemd/kdsign-relay.service.in \
	systemd/kdsign-signer.service.in systemd/kdsign-signer.socket.in
EXTRA_DIST += $(UNIT_TEMPLATES) systemd/kdsign.sysusers systemd/kdsign.tmpfiles
CLEANFILES += $(nodist_unit_DATA)

# One text for the only signer and for those with a name.
UNIT_SED = $(AM_V_GEN)$(MKDIR_P) systemd && sed -e 's|@sbindir[@]|$(sbindir)|g'
UNIT_ONLY = -e 's|@suffix[@]||g' -e 's|@instance[@]||g' -e 's|@of[@]||g'
UNIT_NAMED = -e 's|@suffix[@]|-%i|g' -e 's|@instance[@]|@%i|g' -e 's|@of[@]| of %i|g'

systemd/kdsignd.service: systemd/kdsignd.service.in Makefile
	$(UNIT_SED) $(srcdir)/$@.in >$@.tmp && mv $@.tmp $@
systemd/kdsign-keeper.service: systemd/kdsign-keeper.service.in Makefile
	$(UNIT_SED) $(srcdir)/$@.in >$@.tmp && mv $@.tmp $@
systemd/kdsign-relay.service: systemd/kdsign-relay.service.in Makefile
	$(UNIT_SED) $(srcdir)/$@.in >$@.tmp && mv $@.tmp $@
systemd/kdsign-signer.service: systemd/kdsign-signer.service.in Makefile
	$(UNIT_SED) $(UNIT_ONLY) $(srcdir)/systemd/kdsign-signer.service.in >$@.tmp && mv $@.tmp $@
systemd/kdsign-signer.socket: systemd/kdsign-signer.socket.in Makefile
	$(UNIT_SED) $(UNIT_ONLY) $(srcdir)/systemd/kdsign-signer.socket.in >$@.tmp && mv $@.tmp $@
systemd/kdsign-signer@.service: systemd/kdsign-signer.service.in Makefile
	$(UNIT_SED) $(UNIT_NAMED) $(srcdir)/systemd/kdsign-signer.service.in >$@.tmp && mv $@.tmp $@
systemd/kdsign-signer@.socket: systemd/kdsign-signer.socket.in Makefile
	$(UNIT_SED) $(UNIT_NAMED) $(srcdir)/systemd/kdsign-signer.socket.in >$@.tmp && mv $@.tmp $@

install-data-local:
	$(MKDIR_P) "$(DESTDIR)$(sysusersdir)" "$(DESTDIR)$(tmpfilesdir)"
	$(INSTALL_DATA) $(srcdir)/systemd/kdsign.sysusers "$(DESTDIR)$(sysusersdir)/kdsign.conf"
	$(INSTALL_DATA) $(srcdir)/systemd/kdsign.tmpfiles "$(DESTDIR)$(tmpfilesdir)/kdsign.conf"
uninstall-local:
	rm -f "$(DESTDIR)$(sysusersdir)/kdsign.conf" "$(DESTDIR)$(tmpfilesdir)/kdsign.conf"

dist_check_SCRIPTS += tests/e2e/units.t
TESTS += tests/e2e/units.t
