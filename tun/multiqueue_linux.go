package tun

import (
	"fmt"

	"golang.org/x/sys/unix"
)

// MultiQueue is a GSODevice that several goroutines may read and write at once, each by a reader or
// writer of its own. Once Readers and Writers are used, ReadGSO, Wait and WriteGSO of the device
// itself must not be called.
type MultiQueue interface {
	GSODevice
	// Readers returns the queues over which the host spreads the packets that it sends: those of a
	// flow come out of one queue. All must be read.
	Readers() []GSOReader
	// Writers returns as many writers. Packets written to one reach the host in order.
	Writers() []GSOWriter
}

var _ MultiQueue = (*GSO)(nil)

// Readers returns the queues.
func (d *GSO) Readers() []GSOReader {
	all := []GSOReader{&d.queue}
	for _, q := range d.others {
		all = append(all, q)
	}
	return all
}

// Writers returns as many writers as there are queues.
func (d *GSO) Writers() (all []GSOWriter) {
	if len(d.writers) == 0 {
		return []GSOWriter{&d.queue}
	}
	for _, q := range d.writers {
		all = append(all, q)
	}
	return all
}

// addQueues adds queues to a device.
//
// The kernel (tun_flow_update in Linux) sends packets of a flow to the queue that was last written
// to in the other direction, or else to one chosen by a hash: whenever that changes, packets are
// reordered. So packets are written by detached descriptors, from which the kernel learns nothing,
// and the hash decides.
//
// They are created while the device has no other queue, because the kernel notes for each packet
// that is written the queue that it came by: the first.
func (d *GSO) addQueues(queues int) error {
	const flags = gsoFlags | unix.IFF_MULTI_QUEUE
	if err := d.setQueue(unix.IFF_DETACH_QUEUE); err != nil {
		return err
	}
	for range queues {
		q := &queue{}
		d.writers = append(d.writers, q)
		if err := q.open(d.name, flags); err != nil {
			return err
		}
		if err := q.setQueue(unix.IFF_DETACH_QUEUE); err != nil {
			return err
		}
	}
	if err := d.setQueue(unix.IFF_ATTACH_QUEUE); err != nil {
		return err
	}
	for range queues - 1 {
		q := &queue{}
		d.others = append(d.others, q)
		if err := q.open(d.name, flags); err != nil {
			return err
		}
	}
	return nil
}

// setQueue attaches or detaches the descriptor as a queue.
func (q *queue) setQueue(flag uint16) (err error) {
	request, err := unix.NewIfreq(q.name)
	if err != nil {
		return err
	}
	request.SetUint16(flag)
	failed := q.raw.Control(func(fd uintptr) { err = unix.IoctlIfreq(int(fd), unix.TUNSETQUEUE, request) })
	if failed != nil {
		return failed
	}
	if err != nil {
		return fmt.Errorf("several queues: %w", err)
	}
	return nil
}
