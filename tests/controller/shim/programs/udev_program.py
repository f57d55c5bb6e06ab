"""A program that loads libudev as engines do: says what it finds, and then what comes and goes."""

import ctypes
import json
import select

udev = ctypes.CDLL("libudev.so.1")
for name in (
    "new", "enumerate_new", "enumerate_get_list_entry", "list_entry_get_next",
    "device_new_from_syspath", "device_new_from_devnum", "monitor_new_from_netlink",
    "monitor_receive_device", "device_get_parent_with_subsystem_devtype",
    "device_get_properties_list_entry",
):  # fmt: skip
    getattr(udev, f"udev_{name}").restype = ctypes.c_void_p
for name in (
    "list_entry_get_name", "list_entry_get_value", "device_get_devnode", "device_get_action",
    "device_get_property_value", "device_get_sysattr_value", "device_get_syspath",
):  # fmt: skip
    getattr(udev, f"udev_{name}").restype = ctypes.c_char_p


def P(value):
    return ctypes.c_void_p(value)


def text(value):
    return value and value.decode()


def found(*, subsystem=None, without=None, joystick=None, name=None):
    search = P(udev.udev_enumerate_new(context))
    if subsystem:
        udev.udev_enumerate_add_match_subsystem(search, subsystem)
    if without:
        udev.udev_enumerate_add_nomatch_subsystem(search, without)
    if joystick:
        udev.udev_enumerate_add_match_property(search, b"ID_INPUT_JOYSTICK", joystick)
    if name:
        udev.udev_enumerate_add_match_sysname(search, name)
    udev.udev_enumerate_scan_devices(search)
    entry, paths = udev.udev_enumerate_get_list_entry(search), []
    while entry:
        paths.append(text(udev.udev_list_entry_get_name(P(entry))))
        entry = udev.udev_list_entry_get_next(P(entry))
    udev.udev_enumerate_unref(search)
    return paths


def described(device):
    usb = P(udev.udev_device_get_parent_with_subsystem_devtype(P(device), b"usb", b"usb_device"))
    entry, properties = udev.udev_device_get_properties_list_entry(P(device)), {}
    while entry:
        key = text(udev.udev_list_entry_get_name(P(entry)))
        properties[key] = text(udev.udev_list_entry_get_value(P(entry)))
        entry = udev.udev_list_entry_get_next(P(entry))
    return {
        "node": text(udev.udev_device_get_devnode(P(device))),
        "joystick": text(udev.udev_device_get_property_value(P(device), b"ID_INPUT_JOYSTICK")),
        "vendor": text(udev.udev_device_get_sysattr_value(usb, b"idVendor")),
        "properties": properties["DEVNAME"],
    }


context = P(udev.udev_new())
number = ord("c"), ctypes.c_uint64(13 << 8 | 64)
monitor = P(udev.udev_monitor_new_from_netlink(context, b"udev"))
udev.udev_monitor_filter_add_match_subsystem_devtype(monitor, b"input", None)
udev.udev_monitor_enable_receiving(monitor)
pads = found(subsystem=b"input", name=b"event*")
real = sorted({one.split("/")[3] for one in found()})
print(json.dumps({
    "pads": pads,
    "joysticks": found(subsystem=b"input", joystick=b"1"),
    "others": [one for one in found(without=b"input") if "/input/" in one],
    "sound": [one for one in found(subsystem=b"sound") if "event0" in one],
    "everything": pads[0] in found(),
    "below": real,
    "described": described(udev.udev_device_new_from_syspath(context, pads[0].encode())),
    "by number": described(udev.udev_device_new_from_devnum(context, *number)),
}), flush=True)  # fmt: skip
waiting = select.poll()
waiting.register(udev.udev_monitor_get_fd(monitor), select.POLLIN)
while True:
    waiting.poll()
    device = udev.udev_monitor_receive_device(monitor)
    if device:
        told = udev.udev_device_get_action(P(device)), udev.udev_device_get_devnode(P(device))
        print(json.dumps([text(one) for one in told]), flush=True)
