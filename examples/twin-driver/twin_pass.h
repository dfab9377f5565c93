/* SPDX-License-Identifier: Apache-2.0 */
/* twin_pass.h - what both drivers do with requests that are not for them: on to the next one. Each attaches one
 * device to one stack, whose extension begins with a struct twin_device. */
#ifndef TWIN_PASS_H
#define TWIN_PASS_H
#include <wdm.h>

struct twin_device {
	PDEVICE_OBJECT lower;
};

static inline PDEVICE_OBJECT
twin_lower(PDEVICE_OBJECT device)
{
	return ((struct twin_device *)device->DeviceExtension)->lower;
}

static inline NTSTATUS NTAPI
twin_pass(PDEVICE_OBJECT device, PIRP irp)
{
	IoSkipCurrentIrpStackLocation(irp);
	return IoCallDriver(twin_lower(device), irp);
}

static inline NTSTATUS NTAPI
twin_power(PDEVICE_OBJECT device, PIRP irp)
{
	PoStartNextPowerIrp(irp); /* Vista and later need it no more */
	IoSkipCurrentIrpStackLocation(irp);
	return PoCallDriver(twin_lower(device), irp);
}

static inline NTSTATUS
twin_attach(PDEVICE_OBJECT device, PDEVICE_OBJECT physical)
{
	struct twin_device *twin = device->DeviceExtension;

	twin->lower = IoAttachDeviceToDeviceStack(device, physical);
	if (twin->lower == NULL)
		return STATUS_NO_SUCH_DEVICE;
	device->Flags |= twin->lower->Flags & (DO_BUFFERED_IO | DO_DIRECT_IO | DO_POWER_PAGABLE);
	device->Flags &= ~(ULONG)DO_DEVICE_INITIALIZING;
	return STATUS_SUCCESS;
}

static inline void NTAPI
twin_unload(PDRIVER_OBJECT driver)
{
	UNREFERENCED_PARAMETER(driver);
}
#endif
