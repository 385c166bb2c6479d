package tun

import (
	"fmt"

	"golang.org/x/sys/unix"
)

// MultiQueue is an Offloading that several goroutines may read and write at once, each at a
// place of its own. Once it is used so, ReadGSO, Wait and WriteGSO of the device itself
// are not called any more.
type MultiQueue interface {
	GSODevice
	// Readers are the queues over which the host spreads what it sends: the packets of a
	// flow all come out of one. Packets come out of each.
	Readers() []GSOReader
	// Writers are as many. What is written to one reaches the host in that order.
	Writers() []GSOWriter
}

var _ MultiQueue = (*GSO)(nil)

// Readers are the queues.
func (d *GSO) Readers() []GSOReader {
	all := []GSOReader{&d.queue}
	for _, e := range d.others {
		all = append(all, e)
	}
	return all
}

// Writers are as many as there are queues.
func (d *GSO) Writers() (all []GSOWriter) {
	if len(d.writers) == 0 {
		return []GSOWriter{&d.queue}
	}
	for _, e := range d.writers {
		all = append(all, e)
	}
	return all
}

// addQueues gives a device more queues.
//
// The kernel (tun_flow_update in Linux) sends packets of a flow to the queue by which some
// came in the other direction lately, or else to one that its hash says: whenever that
// changes, packets overtake each other. So what is written goes through descriptors that
// are no queues any more, of which the kernel learns nothing; the hash alone is left.
//
// They are made while the device has no other queue, for the kernel says of each packet
// that is written at which queue it came in: it was the first.
func (d *GSO) addQueues(queues int) error {
	const flags = gsoFlags | unix.IFF_MULTI_QUEUE
	if err := d.setQueue(unix.IFF_DETACH_QUEUE); err != nil {
		return err
	}
	for range queues {
		e := &queue{}
		d.writers = append(d.writers, e)
		if err := e.open(d.name, flags); err != nil {
			return err
		}
		if err := e.setQueue(unix.IFF_DETACH_QUEUE); err != nil {
			return err
		}
	}
	if err := d.setQueue(unix.IFF_ATTACH_QUEUE); err != nil {
		return err
	}
	for range queues - 1 {
		e := &queue{}
		d.others = append(d.others, e)
		if err := e.open(d.name, flags); err != nil {
			return err
		}
	}
	return nil
}

// setQueue makes the descriptor a queue, or has it be none.
func (e *queue) setQueue(flag uint16) (err error) {
	request, err := unix.NewIfreq(e.name)
	if err != nil {
		return err
	}
	request.SetUint16(flag)
	failed := e.raw.Control(func(fd uintptr) { err = unix.IoctlIfreq(int(fd), unix.TUNSETQUEUE, request) })
	if failed != nil {
		return failed
	}
	if err != nil {
		return fmt.Errorf("several queues: %w", err)
	}
	return nil
}
