#!/bin/sh
# Brings up the interfaces of the file that IFUPDOWN_NG_IFACES names, if there is such a
# file, and then becomes the container's command.
set -eu

# Without --device /dev/net/tun: engines that allow the device let CAP_MKNOD make it.
if [ ! -e /dev/net/tun ]; then
	mkdir -p /dev/net && mknod -m 666 /dev/net/tun c 10 200 && true <> /dev/net/tun || rm -f /dev/net/tun
fi 2> /dev/null

interfaces=${IFUPDOWN_NG_IFACES:-/etc/network/interfaces}
if [ -f "$interfaces" ]; then
	# A container that is started again has its interfaces no more, but still the record
	# of them, by which ifup would leave them out.
	rm -f /run/ifstate /run/ifstate.*
	ifup -a -i "$interfaces" >&2
elif [ "$interfaces" != /etc/network/interfaces ]; then
	echo "${0##*/}: IFUPDOWN_NG_IFACES: there is no file $interfaces; the image has" /etc/network/interfaces.* >&2
	exit 2
fi

# A command that is no program is the interface and the options of pppoe-client.
command -v -- "${1:-}" > /dev/null || set -- pppoe-client "$@"
exec "$@"
