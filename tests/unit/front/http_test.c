/* SPDX-License-Identifier: Apache-2.0 */
/* http_test.c - the HTTP library does not end the process when it stops to listen. */
#include "config.h" /* RTLD_DEFAULT */

#include "daemon/front/http.h"

#include <dlfcn.h>
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <cmocka.h>

static void
taking_out_twice_is_no_error(void **state)
{
	int set = epoll_create1(EPOLL_CLOEXEC), fd = eventfd(0, EFD_CLOEXEC);
	struct epoll_event ev = {.events = EPOLLIN};

	(void)state;
	assert_true(set >= 0 && fd >= 0);
	assert_int_equal(epoll_ctl(set, EPOLL_CTL_ADD, fd, &ev), 0);
	assert_int_equal(epoll_ctl(set, EPOLL_CTL_ADD, fd, &ev), -1);
	assert_int_equal(errno, EEXIST); /* all else is as it was */
	assert_int_equal(epoll_ctl(set, EPOLL_CTL_DEL, fd, NULL), 0);
	assert_int_equal(epoll_ctl(set, EPOLL_CTL_DEL, fd, NULL), 0);
	assert_int_equal(epoll_ctl(set, EPOLL_CTL_DEL, -1, NULL), -1);
	assert_int_equal(errno, EBADF);
	(void)close(fd);
	(void)close(set);
}

/* Not only this file: what the dynamic linker gives to libraries. */
static void
libraries_get_the_same(void **state)
{
	void *found = dlsym(RTLD_DEFAULT, "epoll_ctl");

	(void)state;
	assert_ptr_equal(found, (void *)(uintptr_t)&epoll_ctl);
	http_quiesce(NULL); /* the file that has it is part of this program, as of kdsignd */
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(taking_out_twice_is_no_error),
	    cmocka_unit_test(libraries_get_the_same),
	};

	return cmocka_run_group_tests_name("http", tests, NULL, NULL);
}
