package ebpf

import (
	"os"
	"sync/atomic"

	"golang.org/x/sys/unix"

	"upppoe/tun"
)

// vnetTUN is a tun.Device to which the kernel leaves checksums and segmentation (IFF_VNET_HDR). It
// completes checksums; it drops GSO packets, and counts them.
type vnetTUN struct {
	*os.File
	name       string
	gsoPackets atomic.Int64
}

const vnetHeader = 10

func openOffloadTUN() (*vnetTUN, error) {
	fd, err := unix.Open("/dev/net/tun", unix.O_RDWR|unix.O_CLOEXEC|unix.O_NONBLOCK, 0)
	if err != nil {
		return nil, err
	}
	request, err := unix.NewIfreq("ppp%d")
	if err != nil {
		return nil, err
	}
	request.SetUint16(unix.IFF_TUN | unix.IFF_NO_PI | unix.IFF_VNET_HDR)
	if err := unix.IoctlIfreq(fd, unix.TUNSETIFF, request); err != nil {
		return nil, err
	}
	const offloads, uso = unix.TUN_F_CSUM | unix.TUN_F_TSO4 | unix.TUN_F_TSO6, unix.TUN_F_USO4 | unix.TUN_F_USO6
	err = unix.IoctlSetInt(fd, unix.TUNSETOFFLOAD, offloads|uso)
	if err == unix.EINVAL { // before Linux 6.2
		err = unix.IoctlSetInt(fd, unix.TUNSETOFFLOAD, offloads)
	}
	if err != nil {
		return nil, err
	}
	if err := unix.IoctlSetInt(fd, unix.TUNSETLINK, unix.ARPHRD_PPP); err != nil {
		return nil, err
	}
	return &vnetTUN{File: os.NewFile(uintptr(fd), "/dev/net/tun"), name: request.Name()}, nil
}

func (o *vnetTUN) Name() string   { return o.name }
func (o *vnetTUN) leftGSO() int   { return int(o.gsoPackets.Load()) }
func (o *vnetTUN) BatchSize() int { return 1 }

func (o *vnetTUN) Read(bufs [][]byte, sizes []int, headroom int) (int, error) {
	for {
		b := make([]byte, vnetHeader+1<<16)
		n, err := o.File.Read(b)
		if err != nil {
			return 0, err
		}
		if b[1] != 0 {
			o.gsoPackets.Add(1)
			continue
		}
		sizes[0] = copy(bufs[0][headroom:], b[vnetHeader:n])
		if b[0]&1 != 0 { // VIRTIO_NET_HDR_F_NEEDS_CSUM
			tun.CompleteChecksum(bufs[0][headroom : headroom+sizes[0]])
		}
		return 1, nil
	}
}

func (o *vnetTUN) Write(packets [][]byte, headroom int) (int, error) {
	for _, p := range packets {
		if _, err := o.File.Write(append(make([]byte, vnetHeader), p[headroom:]...)); err != nil {
			return 0, err
		}
	}
	return len(packets), nil
}
