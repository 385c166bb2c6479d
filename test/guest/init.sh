#!/bin/sh
# The init of a User-Mode Linux guest. Its root is the host's tree, read-only; its writable
# directories are in memory, except $SCRATCH, which it shares with the host. It runs scripts
# that are named on its console, one a line, and prints the exit code of each.
export PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LANG=C TMPDIR=/run/tmp
mount -t proc proc /proc
mount -t sysfs sys /sys
mount -t tmpfs run /run
mkdir -p /dev/pts /run/etc /run/log /run/tmp /run/modules/lib/modules
mount -t devpts pts /dev/pts 2>/dev/null
cp -a /etc/. /run/etc/
mount --bind /run/etc /etc
mount --bind /run/log /var/log
mount -o remount,ro /
mount -t hostfs -o "$SCRATCH" scratch /mnt || exit 1
# Debian's scripts would change the name servers; and hosts named in secrets would be
# resolved.
rm -rf /etc/ppp/ip-up.d /etc/ppp/ip-down.d /etc/ppp/ipv6-up.d /etc/ppp/ipv6-down.d
mkdir -p /etc/ppp/peers
: > /etc/ppp/options
ln -s "/usr/lib/uml/modules/$(uname -r)" "/run/modules/lib/modules/$(uname -r)"
for module in $(echo "$MODULES" | tr , ' '); do
	modprobe -d /run/modules "$module" || echo "no module $module"
done
[ -e /dev/ppp ] || mknod /run/ppp c 108 0
ip link set lo up
[ -z "$PORT" ] || ip link set vec0 up
stty -echo -onlcr
echo "@@READY"
while read -r script; do
	sh "/mnt/$script" > "/mnt/$script.out" 2>&1 < /dev/null
	echo "@@DONE $?"
done
echo o > /proc/sysrq-trigger
sleep 10
