/* SPDX-License-Identifier: Apache-2.0 */
/* twinflt.c - a filter above the example's device: it counts what passes, and keeps nothing back. */
#include <wdm.h>

#include "twin_pass.h"

DRIVER_INITIALIZE DriverEntry;

static LONG volatile passed;

static NTSTATUS NTAPI
filter_any(PDEVICE_OBJECT device, PIRP irp)
{
	InterlockedIncrement(&passed);
	return twin_pass(device, irp);
}

static NTSTATUS NTAPI
filter_pnp(PDEVICE_OBJECT device, PIRP irp)
{
	UCHAR minor = IoGetCurrentIrpStackLocation(irp)->MinorFunction;
	PDEVICE_OBJECT lower = twin_lower(device);
	NTSTATUS status = twin_pass(device, irp);

	if (minor != IRP_MN_REMOVE_DEVICE)
		return status;
	IoDetachDevice(lower);
	IoDeleteDevice(device);
	return status;
}

static NTSTATUS NTAPI
filter_add_device(PDRIVER_OBJECT driver, PDEVICE_OBJECT physical)
{
	PDEVICE_OBJECT device;
	NTSTATUS status = IoCreateDevice(driver, sizeof(struct twin_device), NULL,
		FILE_DEVICE_UNKNOWN, FILE_DEVICE_SECURE_OPEN, FALSE, &device);

	if (!NT_SUCCESS(status))
		return status;
	status = twin_attach(device, physical);
	if (!NT_SUCCESS(status))
		IoDeleteDevice(device);
	return status;
}

NTSTATUS NTAPI
DriverEntry(PDRIVER_OBJECT driver, PUNICODE_STRING registry_path)
{
	UNREFERENCED_PARAMETER(registry_path);
	for (int i = 0; i <= IRP_MJ_MAXIMUM_FUNCTION; i++)
		driver->MajorFunction[i] = filter_any;
	driver->MajorFunction[IRP_MJ_PNP] = filter_pnp;
	driver->MajorFunction[IRP_MJ_POWER] = twin_power;
	driver->DriverExtension->AddDevice = filter_add_device;
	driver->DriverUnload = twin_unload;
	return STATUS_SUCCESS;
}
