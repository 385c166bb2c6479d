package tun

import (
	"errors"
	"fmt"
	"os"
	"syscall"
	"time"

	"github.com/songgao/water"
	"golang.org/x/sys/unix"
)

// ErrInherited is wrapped by errors about descriptors that are not those of one TUN device.
var ErrInherited = errors.New("not the descriptors of a TUN device of this kind")

// Descriptors returns the descriptors of the device, for another program that goes on with it by FileGSO:
// packets that wait in its queues stay there.
func (d *GSO) Descriptors() (all []syscall.Conn) {
	for _, q := range d.all() {
		all = append(all, q.file)
	}
	return all
}

// all returns all queues.
func (d *GSO) all() []*queue {
	return append(append([]*queue{&d.queue}, d.others...), d.writers...)
}

// FileGSO returns the device of another program, whose Descriptors were passed on; all of them, in any
// order. They belong to it from then on, unless there is an error. Offloads stay as they are, until
// EnableGSO. If the owner, of Config, is the device's, Close removes it, and Leave leaves it.
func FileGSO(files []*os.File, owner string) (*GSO, error) {
	d := &GSO{}
	for _, file := range files {
		q := &queue{}
		if err := q.use(file); err != nil {
			return nil, err
		}
		name, flags, err := q.identify()
		switch {
		case err != nil:
			return nil, err
		case flags&unix.IFF_VNET_HDR == 0, d.name != "" && name != d.name:
			return nil, fmt.Errorf("%s: %w", name, ErrInherited)
		}
		q.name = name
		switch {
		case flags&unix.IFF_DETACH_QUEUE != 0:
			d.writers = append(d.writers, q)
		case d.file == nil:
			d.queue = *q
			d.queue.bind()
		default:
			d.others = append(d.others, q)
		}
	}
	if d.file == nil {
		return nil, fmt.Errorf("%w: no queue", ErrInherited)
	}
	var err error
	failed := d.raw.Control(func(fd uintptr) { d.udp, err = enableOffload(int(fd)) })
	if err := errors.Join(failed, err); err != nil {
		return nil, fmt.Errorf("%s: %w", d.name, err)
	}
	d.owned = isOwnedBy(d.name, owner)
	return d, nil
}

// RemoveBy makes Close call a function to remove an interface that has an owner: see Config.Remove.
func (d *GSO) RemoveBy(remove func()) {
	if d.owned {
		d.remove = remove
	}
}

// NameOf returns the name of the interface of a descriptor. The error wraps ErrInherited if it is of none.
func NameOf(file *os.File) (name string, err error) {
	q := &queue{}
	if err := q.use(file); err != nil {
		return "", err
	}
	name, _, err = q.identify()
	return name, err
}

// identify returns the device of a descriptor, and its flags.
func (q *queue) identify() (name string, flags uint16, err error) {
	failed := q.raw.Control(func(fd uintptr) { name, flags, err = identify(int(fd)) })
	return name, flags, errors.Join(failed, err)
}

func identify(fd int) (name string, flags uint16, err error) {
	request, err := unix.NewIfreq("none")
	if err == nil {
		err = unix.IoctlIfreq(fd, unix.TUNGETIFF, request)
	}
	if err != nil {
		return "", 0, fmt.Errorf("%w (%w)", ErrInherited, err)
	}
	if flags = request.Uint16(); flags&unix.IFF_TUN == 0 {
		return "", 0, fmt.Errorf("%s: %w", request.Name(), ErrInherited)
	}
	return request.Name(), flags, nil
}

// StopReading makes readers return an error that wraps os.ErrClosed, for good. Packets can still be
// written.
func (d *GSO) StopReading() {
	for _, q := range d.all() {
		q.file.SetReadDeadline(time.Unix(1, 0)) // fails only if it is closed
	}
}

// Descriptors returns the descriptor of the device, for another program that goes on with it by FilePlain.
func (d *Plain) Descriptors() []syscall.Conn {
	if file, ok := d.iface.ReadWriteCloser.(syscall.Conn); ok {
		return []syscall.Conn{file}
	}
	return nil
}

// FilePlain returns the device of another program, whose descriptor was passed on. It belongs to it from
// then on, unless there is an error. The owner is that of FileGSO.
func FilePlain(file *os.File, owner string) (*Plain, error) {
	d := &Plain{iface: &water.Interface{ReadWriteCloser: file}}
	var flags uint16
	err := d.control(func(fd uintptr) (err error) {
		d.name, flags, err = identify(int(fd))
		return err
	})
	if err == nil && flags&unix.IFF_VNET_HDR != 0 {
		err = fmt.Errorf("%s: %w", d.name, ErrInherited)
	}
	if err != nil {
		return nil, err
	}
	d.owned = isOwnedBy(d.name, owner)
	return d, nil
}

// StopReading makes a reader return an error, for good. Packets can still be written.
func (d *Plain) StopReading() { d.SetReadDeadline(time.Unix(1, 0)) }
