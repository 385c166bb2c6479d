# Boots Debian's systemd: sh boot.sh BASE DIR CGROUP. BASE is a system's root, which stays unchanged: changes
# go to DIR. CGROUP is a directory of cgroup2 for it alone. The network namespace is the caller's.
set -eu
if [ "${4:-}" != inside ]; then
	echo $$ >"$3/cgroup.procs"
	exec unshare --mount --pid --cgroup --uts --ipc --fork --kill-child sh "$0" "$1" "$2" "$3" inside
fi
mount --make-rprivate /
root=$2/root
mount -t overlay overlay -o "lowerdir=$1,upperdir=$2/upper,workdir=$2/work" "$root"
mount -t proc proc "$root/proc"
mount -t sysfs sysfs "$root/sys"
mount -t cgroup2 cgroup2 "$root/sys/fs/cgroup"
mount -t bpf bpf "$root/sys/fs/bpf"
mount -t tmpfs tmpfs "$root/dev"
mkdir "$root/dev/net" "$root/dev/pts" "$root/dev/shm"
while read -r name major minor; do
	mknod -m 666 "$root/dev/$name" c "$major" "$minor"
done <<'END'
null 1 3
zero 1 5
full 1 7
random 1 8
urandom 1 9
tty 5 0
ptmx 5 2
net/tun 10 200
END
mount -t tmpfs tmpfs "$root/run"
mount -t tmpfs tmpfs "$root/tmp"
mkdir "$root/mnt/packages"
mount --bind "$2/packages" "$root/mnt/packages"
hostname "$(basename "$2")"
cd "$root"
mkdir old
pivot_root . old
umount -l old
exec env -i container=lxc PATH=/usr/sbin:/usr/bin:/sbin:/bin /lib/systemd/systemd
