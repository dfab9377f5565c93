/* SPDX-License-Identifier: Apache-2.0 */
/* hello.c - a small plug and play driver: one device, whose read gives a greeting. Something real to sign and,
 * with hello.inf and its catalog, to install. */
#include <wdm.h>

#define HELLO_DEVICE L"\\Device\\KdsignHello"
#define HELLO_LINK L"\\DosDevices\\KdsignHello"

static const char greeting[] = "hello, kernel\r\n";

struct hello { /* the device's extension */
	PDEVICE_OBJECT lower;
};

DRIVER_INITIALIZE DriverEntry;

static PDEVICE_OBJECT
lower_of(PDEVICE_OBJECT device)
{
	return ((struct hello *)device->DeviceExtension)->lower;
}

static NTSTATUS
complete(PIRP irp, NTSTATUS status, ULONG_PTR information)
{
	irp->IoStatus.Status = status;
	irp->IoStatus.Information = information;
	IoCompleteRequest(irp, IO_NO_INCREMENT);
	return status;
}

static NTSTATUS NTAPI
hello_open_close(PDEVICE_OBJECT device, PIRP irp)
{
	UNREFERENCED_PARAMETER(device);
	return complete(irp, STATUS_SUCCESS, 0);
}

/* From the file offset on, as much of the greeting as fits; then the end of the file. */
static NTSTATUS NTAPI
hello_read(PDEVICE_OBJECT device, PIRP irp)
{
	PIO_STACK_LOCATION io = IoGetCurrentIrpStackLocation(irp);
	LONGLONG at = io->Parameters.Read.ByteOffset.QuadPart;
	ULONG room = io->Parameters.Read.Length;
	ULONG left;

	UNREFERENCED_PARAMETER(device);
	if (at < 0 || at >= (LONGLONG)(sizeof(greeting) - 1))
		return complete(irp, STATUS_END_OF_FILE, 0);
	left = (ULONG)(sizeof(greeting) - 1 - (ULONG)at);
	if (room > left)
		room = left;
	if (room > 0) /* a buffered device: the system buffer holds Read.Length bytes */
		RtlCopyMemory(irp->AssociatedIrp.SystemBuffer, greeting + (ULONG)at, room);
	return complete(irp, STATUS_SUCCESS, room);
}

static NTSTATUS NTAPI
hello_pass(PDEVICE_OBJECT device, PIRP irp)
{
	IoSkipCurrentIrpStackLocation(irp);
	return IoCallDriver(lower_of(device), irp);
}

static NTSTATUS NTAPI
hello_power(PDEVICE_OBJECT device, PIRP irp)
{
	PoStartNextPowerIrp(irp); /* Vista and later need it no more, XP does */
	IoSkipCurrentIrpStackLocation(irp);
	return PoCallDriver(lower_of(device), irp);
}

static void
remove_device(PDEVICE_OBJECT device)
{
	UNICODE_STRING link;

	RtlInitUnicodeString(&link, HELLO_LINK);
	IoDeleteSymbolicLink(&link);
	IoDetachDevice(lower_of(device));
	IoDeleteDevice(device);
}

/* Nothing to set up or to give back, so the bus driver's answer is ours. */
static NTSTATUS NTAPI
hello_pnp(PDEVICE_OBJECT device, PIRP irp)
{
	NTSTATUS status;

	switch (IoGetCurrentIrpStackLocation(irp)->MinorFunction) {
	case IRP_MN_START_DEVICE: /* those below come first */
		if (!IoForwardIrpSynchronously(lower_of(device), irp))
			return complete(irp, STATUS_UNSUCCESSFUL, 0);
		return complete(irp, irp->IoStatus.Status, irp->IoStatus.Information);
	case IRP_MN_REMOVE_DEVICE:
		irp->IoStatus.Status = STATUS_SUCCESS;
		status = hello_pass(device, irp);
		remove_device(device);
		return status;
	case IRP_MN_QUERY_STOP_DEVICE:
	case IRP_MN_CANCEL_STOP_DEVICE:
	case IRP_MN_STOP_DEVICE:
	case IRP_MN_QUERY_REMOVE_DEVICE:
	case IRP_MN_CANCEL_REMOVE_DEVICE:
	case IRP_MN_SURPRISE_REMOVAL:
		irp->IoStatus.Status = STATUS_SUCCESS;
		break;
	default: /* what one does not know goes down as it came */
		break;
	}
	return hello_pass(device, irp);
}

static NTSTATUS NTAPI
hello_add_device(PDRIVER_OBJECT driver, PDEVICE_OBJECT physical)
{
	UNICODE_STRING name, link;
	PDEVICE_OBJECT device;
	struct hello *hello;
	NTSTATUS status;

	RtlInitUnicodeString(&name, HELLO_DEVICE);
	RtlInitUnicodeString(&link, HELLO_LINK);
	status = IoCreateDevice(driver, sizeof(*hello), &name, FILE_DEVICE_UNKNOWN,
		FILE_DEVICE_SECURE_OPEN, FALSE, &device);
	if (!NT_SUCCESS(status))
		return status;
	hello = device->DeviceExtension;
	status = IoCreateSymbolicLink(&link, &name);
	if (NT_SUCCESS(status)) {
		hello->lower = IoAttachDeviceToDeviceStack(device, physical);
		if (hello->lower == NULL) {
			IoDeleteSymbolicLink(&link);
			status = STATUS_NO_SUCH_DEVICE;
		}
	}
	if (!NT_SUCCESS(status)) {
		IoDeleteDevice(device);
		return status;
	}
	device->Flags |= DO_BUFFERED_IO | (hello->lower->Flags & DO_POWER_PAGABLE);
	device->Flags &= ~(ULONG)DO_DEVICE_INITIALIZING;
	return STATUS_SUCCESS;
}

/* Each device went with its IRP_MN_REMOVE_DEVICE. Without this routine the driver would stay loaded. */
static void NTAPI
hello_unload(PDRIVER_OBJECT driver)
{
	UNREFERENCED_PARAMETER(driver);
}

NTSTATUS NTAPI
DriverEntry(PDRIVER_OBJECT driver, PUNICODE_STRING registry_path)
{
	UNREFERENCED_PARAMETER(registry_path);
	driver->MajorFunction[IRP_MJ_CREATE] = hello_open_close;
	driver->MajorFunction[IRP_MJ_CLOSE] = hello_open_close;
	driver->MajorFunction[IRP_MJ_READ] = hello_read;
	driver->MajorFunction[IRP_MJ_PNP] = hello_pnp;
	driver->MajorFunction[IRP_MJ_POWER] = hello_power;
	driver->MajorFunction[IRP_MJ_SYSTEM_CONTROL] = hello_pass;
	driver->DriverExtension->AddDevice = hello_add_device;
	driver->DriverUnload = hello_unload;
	return STATUS_SUCCESS;
}
