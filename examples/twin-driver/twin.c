/* SPDX-License-Identifier: Apache-2.0 */
/* twin.c - the function driver of the example's device: it adds two numbers. */
#include <wdm.h>

#include "twin.h"
#include "twin_pass.h"

#define WIDE_(s) L##s
#define WIDE(s) WIDE_(s)

DRIVER_INITIALIZE DriverEntry;

static NTSTATUS
complete(PIRP irp, NTSTATUS status, ULONG_PTR information)
{
	irp->IoStatus.Status = status;
	irp->IoStatus.Information = information;
	IoCompleteRequest(irp, IO_NO_INCREMENT);
	return status;
}

static NTSTATUS NTAPI
twin_open_close(PDEVICE_OBJECT device, PIRP irp)
{
	UNREFERENCED_PARAMETER(device);
	return complete(irp, STATUS_SUCCESS, 0);
}

static NTSTATUS NTAPI
twin_control(PDEVICE_OBJECT device, PIRP irp)
{
	PIO_STACK_LOCATION io = IoGetCurrentIrpStackLocation(irp);
	struct twin_add *add = irp->AssociatedIrp.SystemBuffer;

	UNREFERENCED_PARAMETER(device);
	if (io->Parameters.DeviceIoControl.IoControlCode != IOCTL_TWIN_ADD)
		return complete(irp, STATUS_INVALID_DEVICE_REQUEST, 0);
	if (io->Parameters.DeviceIoControl.InputBufferLength < sizeof(*add) ||
	    io->Parameters.DeviceIoControl.OutputBufferLength < sizeof(LONG))
		return complete(irp, STATUS_BUFFER_TOO_SMALL, 0);
	*(LONG *)irp->AssociatedIrp.SystemBuffer = (LONG)((ULONG)add->a + (ULONG)add->b);
	return complete(irp, STATUS_SUCCESS, sizeof(LONG));
}

static NTSTATUS NTAPI
twin_pnp(PDEVICE_OBJECT device, PIRP irp)
{
	UCHAR minor = IoGetCurrentIrpStackLocation(irp)->MinorFunction;
	PDEVICE_OBJECT lower = twin_lower(device);
	UNICODE_STRING link;
	NTSTATUS status;

	if (minor == IRP_MN_START_DEVICE) { /* those below come first */
		if (!IoForwardIrpSynchronously(lower, irp))
			return complete(irp, STATUS_UNSUCCESSFUL, 0);
		return complete(irp, irp->IoStatus.Status, irp->IoStatus.Information);
	}
	if (minor != IRP_MN_REMOVE_DEVICE)
		return twin_pass(device, irp);
	irp->IoStatus.Status = STATUS_SUCCESS;
	status = twin_pass(device, irp);
	RtlInitUnicodeString(&link, L"\\DosDevices\\" WIDE(TWIN_LINK_NAME));
	IoDeleteSymbolicLink(&link);
	IoDetachDevice(lower);
	IoDeleteDevice(device);
	return status;
}

static NTSTATUS NTAPI
twin_add_device(PDRIVER_OBJECT driver, PDEVICE_OBJECT physical)
{
	UNICODE_STRING name, link;
	PDEVICE_OBJECT device;
	NTSTATUS status;

	RtlInitUnicodeString(&name, L"\\Device\\" WIDE(TWIN_LINK_NAME));
	RtlInitUnicodeString(&link, L"\\DosDevices\\" WIDE(TWIN_LINK_NAME));
	status = IoCreateDevice(driver, sizeof(struct twin_device), &name, FILE_DEVICE_UNKNOWN,
		FILE_DEVICE_SECURE_OPEN, FALSE, &device);
	if (!NT_SUCCESS(status))
		return status;
	status = IoCreateSymbolicLink(&link, &name);
	if (NT_SUCCESS(status)) {
		status = twin_attach(device, physical);
		if (!NT_SUCCESS(status))
			IoDeleteSymbolicLink(&link);
	}
	if (!NT_SUCCESS(status))
		IoDeleteDevice(device);
	return status;
}

NTSTATUS NTAPI
DriverEntry(PDRIVER_OBJECT driver, PUNICODE_STRING registry_path)
{
	UNREFERENCED_PARAMETER(registry_path);
	driver->MajorFunction[IRP_MJ_CREATE] = twin_open_close;
	driver->MajorFunction[IRP_MJ_CLOSE] = twin_open_close;
	driver->MajorFunction[IRP_MJ_DEVICE_CONTROL] = twin_control;
	driver->MajorFunction[IRP_MJ_PNP] = twin_pnp;
	driver->MajorFunction[IRP_MJ_POWER] = twin_power;
	driver->MajorFunction[IRP_MJ_SYSTEM_CONTROL] = twin_pass;
	driver->DriverExtension->AddDevice = twin_add_device;
	driver->DriverUnload = twin_unload;
	return STATUS_SUCCESS;
}
