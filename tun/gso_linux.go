package tun

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"syscall"
	"unsafe"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
)

// GSODevice is the interface of devices that move GSO packets: whole sequences of TCP segments, or
// UDP datagrams.
type GSODevice interface {
	Device
	// EnableGSO makes the host send GSO packets. Afterwards ReadGSO must be called in place of
	// Read.
	EnableGSO() error
	// SupportsUDPGSO reports whether the host accepts GSO packets of UDP.
	SupportsUDPGSO() bool
	GSOReader
	GSOWriter
}

// GSOReader reads packets from the host. One goroutine may read.
type GSOReader interface {
	// ReadGSO reads one packet to buf[headroom:], which must have room for MaxGSOPacket, and
	// returns its length. It does not wait: n is 0, without an error, if there is no packet. A
	// headroom of at least VirtioHeaderLen avoids a second buffer. The error wraps os.ErrClosed
	// after Close.
	ReadGSO(buf []byte, headroom int) (n int, p PendingOffload, err error)
	// Wait waits until ReadGSO has a packet. The error wraps os.ErrClosed after Close.
	Wait() error
}

// GSOWriter writes packets to the host. One goroutine may write.
type GSOWriter interface {
	// WriteGSO writes a packet of at most 64 parts, the first of which begins after the headroom.
	// It may overwrite the last VirtioHeaderLen octets of the headroom.
	WriteGSO(s *GSOPacket, headroom int) error
}

// MaxGSOPacket is the longest GSO packet, in octets.
const MaxGSOPacket = maxPacket

// VirtioHeaderLen is the length of the header that ReadGSO and WriteGSO put in front of a packet,
// in octets.
const VirtioHeaderLen = virtioLen

// ErrNoOffload is wrapped by errors of OpenGSO where the kernel does not support GSO on TUN
// devices.
var ErrNoOffload = errors.New("this kernel does not support segmentation offload on TUN devices")

// GSO is the kernel TUN device with IFF_VNET_HDR, which moves GSO packets.
type GSO struct {
	queue   // the first queue
	udp     bool
	others  []*queue // the other queues
	writers []*queue // detached descriptors for MultiQueue's Writers; empty with one queue
	remove  func()   // see Config.Remove; nil: none
	owned   bool     // Close removes it, although it is persistent
}

// queue is a file descriptor of a device, with the state of its system calls.
type queue struct {
	file *os.File
	raw  syscall.RawConn
	name string

	rx, tx transfer
	ready  func(fd uintptr) bool
}

// transfer is the state of a system call. It is kept, with its closure, so that packets do not
// allocate.
type transfer struct {
	vectors [1 + maxSegments]unix.Iovec
	count   int
	done    int
	errno   syscall.Errno
	call    func(fd uintptr) bool
	header  *[virtioLen]byte
	spare   [virtioLen]byte
}

var _ GSODevice = (*GSO)(nil)

// OpenGSO creates a network interface as Open does, with cfg.Queues queues. A persistent device has
// one queue, unless it was created with several. The error may also wrap ErrNoOffload.
func OpenGSO(cfg Config) (*GSO, error) {
	check := CheckName
	if cfg.New {
		check = checkSyntax
	}
	if err := check(cfg.Name); err != nil {
		return nil, err
	}
	name := cfg.Name
	if name == "" {
		name = "ppp%d"
	}
	var existing *netlink.Tuntap
	if !cfg.New {
		existing = findPersistent(cfg.Name)
	}
	d := &GSO{}
	err := d.open(name, max(cfg.Queues, 1), existing)
	if err == nil {
		err = d.own(existing, cfg.Owner)
	}
	if err != nil {
		d.Close()
		return nil, fmt.Errorf("%s: %w", name, explain(err))
	}
	if existing == nil || d.owned {
		d.remove = cfg.Remove
	}
	return d, nil
}

// own gives the device to its owner, unless it is another's.
func (d *GSO) own(existing *netlink.Tuntap, owner string) (err error) {
	if existing != nil {
		d.owned = isOwnedBy(existing.Name, owner)
		return nil
	}
	if owner == "" {
		return nil
	}
	d.owned = true
	failed := d.raw.Control(func(fd uintptr) { err = own(fd, d.name, owner) })
	return errors.Join(failed, err)
}

func (d *GSO) open(name string, queues int, existing *netlink.Tuntap) (err error) {
	switch {
	case existing != nil:
		queues, err = d.openPersistent(existing, queues)
	case queues > 1:
		// Another program may have created a device of that name since CheckName.
		err = d.queue.open(name, gsoFlags|unix.IFF_MULTI_QUEUE|unix.IFF_TUN_EXCL)
	default:
		err = d.queue.open(name, gsoFlags|unix.IFF_TUN_EXCL)
	}
	if err == nil && queues > 1 {
		err = d.addQueues(queues)
	}
	if err != nil {
		return err
	}
	setType := setLinkType
	if existing != nil {
		setType = setPersistentLinkType
	}
	failed := d.raw.Control(func(fd uintptr) { d.udp, err = probe(int(fd), setType) })
	return errors.Join(failed, err)
}

// openPersistent opens a persistent device, and returns the number of queues to be used.
func (d *GSO) openPersistent(existing *netlink.Tuntap, queues int) (int, error) {
	flags := uint16(gsoFlags)
	if isMultiQueue(existing) {
		flags |= unix.IFF_MULTI_QUEUE
	} else {
		queues = 1
	}
	if err := d.queue.open(existing.Name, flags); err != nil {
		return 0, err
	}
	return queues, checkExclusive(existing.Name)
}

// gsoFlags are the flags of a device with one queue.
const gsoFlags = unix.IFF_TUN | unix.IFF_NO_PI | unix.IFF_VNET_HDR

// open opens a device, or another queue of an existing multi-queue device.
func (q *queue) open(name string, flags uint16) error {
	fd, err := unix.Open(controlFile, unix.O_RDWR|unix.O_CLOEXEC|unix.O_NONBLOCK, 0)
	if err != nil {
		return err
	}
	if q.name, err = attach(fd, name, flags); err != nil {
		unix.Close(fd)
		return err
	}
	// The poller must get the file only now that it has a device.
	return q.use(os.NewFile(uintptr(fd), controlFile))
}

// use makes a file with a device the queue's.
func (q *queue) use(file *os.File) (err error) {
	q.file = file
	q.bind()
	q.raw, err = file.SyscallConn()
	return err
}

// bind sets the functions of system calls. It must be called again after the queue has been copied.
func (q *queue) bind() { q.rx.call, q.tx.call, q.ready = q.rx.read, q.tx.write, readable }

// attach attaches a descriptor to a device, and returns the device's name.
func attach(fd int, name string, flags uint16) (string, error) {
	request, err := unix.NewIfreq(name)
	if err != nil {
		return "", err
	}
	request.SetUint16(flags)
	if err := unix.IoctlIfreq(fd, unix.TUNSETIFF, request); err != nil {
		if errors.Is(err, unix.EINVAL) {
			return "", fmt.Errorf("%w (%w)", ErrNoOffload, err)
		}
		return "", err
	}
	return request.Name(), nil
}

// probe enables offloads to see which are supported, and disables them again: they are off until
// EnableGSO. It applies to all queues.
func probe(fd int, setType func(fd uintptr) error) (udp bool, err error) {
	if udp, err = enableOffload(fd); err != nil {
		return false, err
	}
	if err := unix.IoctlSetInt(fd, unix.TUNSETOFFLOAD, 0); err != nil {
		return false, err
	}
	return udp, setType(uintptr(fd))
}

const offloadTCP = unix.TUN_F_CSUM | unix.TUN_F_TSO4 | unix.TUN_F_TSO6 | unix.TUN_F_TSO_ECN

// enableOffload makes the kernel send GSO packets, of UDP too if supported (Linux 6.2).
func enableOffload(fd int) (udp bool, err error) {
	if unix.IoctlSetInt(fd, unix.TUNSETOFFLOAD, offloadTCP|unix.TUN_F_USO4|unix.TUN_F_USO6) == nil {
		return true, nil
	}
	if err := unix.IoctlSetInt(fd, unix.TUNSETOFFLOAD, offloadTCP); err != nil {
		return false, fmt.Errorf("%w (%w)", ErrNoOffload, err)
	}
	return false, nil
}

// EnableGSO makes the host send GSO packets.
func (d *GSO) EnableGSO() error {
	var err error
	failed := d.raw.Control(func(fd uintptr) { _, err = enableOffload(int(fd)) })
	return errors.Join(failed, err)
}

// SupportsUDPGSO reports whether the host accepts GSO packets of UDP.
func (d *GSO) SupportsUDPGSO() bool { return d.udp }

// Name is the name of the network interface.
func (d *GSO) Name() string { return d.name }

// BatchSize is 1.
func (d *GSO) BatchSize() int { return 1 }

// Close removes the interface, unless it is persistent and has no owner.
func (d *GSO) Close() error {
	if d.remove != nil {
		d.remove()
	}
	if d.owned {
		d.raw.Control(func(fd uintptr) { setPersist(fd, false) }) // fails if it is removed
	}
	return d.Leave()
}

// Leave closes the device as Close does, and leaves an interface that has an owner to a successor.
func (d *GSO) Leave() error {
	err := d.file.Close()
	for _, q := range slices.Concat(d.others, d.writers) {
		err = errors.Join(err, q.file.Close())
	}
	return err
}

// set points the transfer at a packet, with the virtio-net header in the headroom, or in spare if
// there is not enough.
func (t *transfer) set(b []byte, headroom int) {
	if headroom < virtioLen {
		t.header = &t.spare
		t.vectors[0], t.vectors[1] = vector(t.spare[:]), vector(b[headroom:])
		t.count = 2
		return
	}
	t.header = (*[virtioLen]byte)(b[headroom-virtioLen:])
	t.vectors[0] = vector(b[headroom-virtioLen:])
	t.count = 1
}

func vector(b []byte) (v unix.Iovec) {
	v.Base = unsafe.SliceData(b)
	v.SetLen(len(b))
	return v
}

// read makes the system call. It always returns true, because it must not wait: Wait does.
func (t *transfer) read(fd uintptr) bool { return t.do(fd, unix.SYS_READ, unix.SYS_READV) }

func (t *transfer) write(fd uintptr) bool { return t.do(fd, unix.SYS_WRITE, unix.SYS_WRITEV) }

// do makes one of two system calls: single for one vector, several for more.
func (t *transfer) do(fd, single, several uintptr) bool {
	if t.count == 1 {
		t.system(single, fd, uintptr(unsafe.Pointer(t.vectors[0].Base)), uintptr(t.vectors[0].Len))
	} else {
		t.system(several, fd, uintptr(unsafe.Pointer(&t.vectors[0])), uintptr(t.count))
	}
	return true
}

func (t *transfer) system(number, fd, a, b uintptr) {
	t.errno = unix.EINTR
	for t.errno == unix.EINTR {
		var n uintptr
		n, _, t.errno = unix.RawSyscall(number, fd, a, b)
		t.done = int(n)
	}
}

// ReadGSO reads one packet, if there is one.
func (q *queue) ReadGSO(buf []byte, headroom int) (int, PendingOffload, error) {
	t := &q.rx
	t.set(buf, headroom)
	if q.raw.Read(t.call) != nil {
		return 0, PendingOffload{}, q.closed()
	}
	switch {
	case t.errno == unix.EAGAIN:
		return 0, PendingOffload{}, nil
	case t.errno != 0:
		return 0, PendingOffload{}, fmt.Errorf("%s: %w", q.name, t.errno)
	}
	p, err := parsePending(t.header)
	if err != nil {
		return 0, PendingOffload{}, fmt.Errorf("%s: %w", q.name, err)
	}
	return t.done - virtioLen, p, nil
}

// Wait waits until there is a packet.
func (q *queue) Wait() error {
	if q.raw.Read(q.ready) != nil {
		return q.closed()
	}
	return nil
}

// closed is the only possible error before a system call: StopReading sets the only deadline.
func (q *queue) closed() error { return fmt.Errorf("%s: %w", q.name, os.ErrClosed) }

// readable reports whether there is a packet. It asks the kernel, because the poller reports
// each change once and may have reported this one already.
func readable(fd uintptr) bool {
	p := unix.PollFd{Fd: int32(fd), Events: unix.POLLIN}
	var now unix.Timespec // some architectures have no poll(2)
	n, _, errno := unix.RawSyscall6(unix.SYS_PPOLL, uintptr(unsafe.Pointer(&p)), 1, uintptr(unsafe.Pointer(&now)), 0, 0, 0)
	return errno != 0 || n > 0
}

// Read waits for one packet.
func (d *GSO) Read(bufs [][]byte, sizes []int, headroom int) (int, error) {
	for {
		n, p, err := d.ReadGSO(bufs[0], headroom)
		if err != nil {
			return 0, err
		}
		if n > 0 {
			p.Complete(bufs[0][headroom : headroom+n])
			sizes[0] = n
			return 1, nil
		}
		if err := d.Wait(); err != nil {
			return 0, err
		}
	}
}

// Write writes ordinary packets, one after the other. A packet that the kernel refuses does not
// stop the following ones.
func (d *GSO) Write(packets [][]byte, headroom int) (n int, err error) {
	for _, p := range packets {
		d.tx.set(p, headroom)
		*d.tx.header = [virtioLen]byte{}
		if failed := d.send(); failed != nil {
			err = failed
			continue
		}
		n++
	}
	return n, err
}

// WriteGSO writes a packet.
func (q *queue) WriteGSO(s *GSOPacket, headroom int) error {
	t := &q.tx
	t.set(s.Parts[0], headroom)
	s.Pending.put(t.header, uint16(s.Headers))
	for _, part := range s.Parts[1:] {
		t.vectors[t.count] = vector(part)
		t.count++
	}
	return q.send()
}

func (q *queue) send() error {
	if q.raw.Write(q.tx.call) != nil {
		return q.closed()
	}
	if q.tx.errno != 0 {
		return fmt.Errorf("%s: %w", q.name, q.tx.errno)
	}
	return nil
}
