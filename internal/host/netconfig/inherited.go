package netconfig

import (
	"errors"
	"fmt"
	"os"
	"sync"

	"upppoe/internal/process/passfd"
	"upppoe/pppoe/datapath"
	"upppoe/tun"
)

// Inherited are the descriptors of devices that an earlier program has passed on, each with all its queues.
// Its methods may be called concurrently.
type Inherited struct {
	mu sync.Mutex
	by map[string][]*os.File // by the name of the device
}

// NewInherited returns the devices of descriptors, which belong to it from then on. What is not of a TUN
// device is closed, and an error says so.
func NewInherited(files []*os.File) (*Inherited, error) {
	i := &Inherited{by: make(map[string][]*os.File)}
	var all error
	for _, f := range files {
		name, err := tun.NameOf(f)
		if err != nil {
			f.Close()
			all = errors.Join(all, err)
			continue
		}
		i.by[name] = append(i.by[name], f)
	}
	return i, all
}

// take removes and returns the descriptors of a device; nil: there are none.
func (i *Inherited) take(name string) []*os.File {
	if i == nil {
		return nil
	}
	i.mu.Lock()
	defer i.mu.Unlock()
	files := i.by[name]
	delete(i.by, name)
	return files
}

// Close closes what no session has taken.
func (i *Inherited) Close() {
	if i == nil {
		return
	}
	i.mu.Lock()
	defer i.mu.Unlock()
	for _, files := range i.by {
		passfd.Close(files)
	}
	i.by = nil
}

// inherit returns the device of an adopted session, if its descriptors were passed on; else nil.
func (h *Configurer) inherit(p *session, name string) tun.Device {
	files := h.Inherited.take(name)
	if files == nil {
		return nil
	}
	d, err := h.inheritDevice(p, files)
	if err != nil {
		h.Log.Warn(fmt.Sprintf("%s is opened anew: %v", name, err))
		passfd.Close(files)
		return nil
	}
	if h.Name == "" {
		p.number = h.names.claim(name)
	}
	return d
}

// inheritDevice returns a device of the kind of the data path.
func (h *Configurer) inheritDevice(p *session, files []*os.File) (tun.Device, error) {
	if len(files) == 1 {
		if d, err := tun.FilePlain(files[0], h.Owner); err == nil {
			return d, nil
		}
	}
	if h.DataPath == datapath.KindPlain {
		return nil, tun.ErrInherited
	}
	d, err := tun.FileGSO(files, h.Owner)
	if err != nil {
		return nil, err
	}
	d.RemoveBy(func() { h.remover.removeDevice(p) })
	return d, nil
}
