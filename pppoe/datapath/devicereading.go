package datapath

import (
	"sync"

	"upppoe/tun"
)

// deviceReading starts the goroutine that reads the device of a session, once.
type deviceReading struct {
	once sync.Once
	read func() // nil: the device is not read
	held bool   // see SessionConfig.Held
}

func (r *deviceReading) start() {
	r.once.Do(func() {
		if r.read != nil {
			// Ends when the device is closed, lost, or no longer read.
			go r.read()
		}
	})
}

// readStopper is a device that can be left to a successor.
type readStopper interface{ StopReading() }

// StopReading ends the goroutine that reads the session's own device, and waits for it.
func (e *entry) StopReading() {
	if d, ok := e.Device.(readStopper); ok && e.Shared == nil {
		d.StopReading()
		e.reading.start()
		<-e.done
	}
}

// Leave closes the session's own device, and leaves the interface.
func (e *entry) Leave() {
	if d, ok := e.Device.(tun.Leaver); ok && e.Shared == nil {
		d.Leave()
	}
}

// StopReading stops the device's readers.
func (d *sharedDevice) StopReading() {
	if s, ok := d.Device.(readStopper); ok {
		s.StopReading()
		return
	}
	d.Close()
}

// Leave leaves the interface, if it can be.
func (d *sharedDevice) Leave() error {
	if l, ok := d.Device.(tun.Leaver); ok {
		return l.Leave()
	}
	return d.Close()
}
