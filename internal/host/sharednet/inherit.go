package sharednet

import (
	"fmt"
	"os"
	"syscall"

	"upppoe/internal/process/passfd"
	"upppoe/pppoe/datapath"
	"upppoe/tun"
)

// inherit returns the device of Config.Inherited; nil: it must be opened.
func (n *Network) inherit() tun.Device {
	if len(n.cfg.Inherited) == 0 {
		return nil
	}
	d, err := inheritDevice(n.cfg)
	if err == nil && d.Name() != n.cfg.Name {
		err = fmt.Errorf("%s: %w", d.Name(), tun.ErrInherited)
	}
	if err == nil {
		return d
	}
	for _, f := range n.cfg.Inherited {
		f.Close()
	}
	n.cfg.Log.Warn(fmt.Sprintf("%s is opened anew: %v", n.cfg.Name, err))
	return nil
}

// inheritDevice returns a device of the kind of the data path, with as many queues as configured.
func inheritDevice(cfg Config) (tun.Device, error) {
	if len(cfg.Inherited) == 1 {
		if d, err := tun.FilePlain(cfg.Inherited[0], cfg.Owner); err == nil {
			return d, nil
		}
	}
	if cfg.DataPath == datapath.KindPlain {
		return nil, tun.ErrInherited
	}
	d, err := tun.FileGSO(cfg.Inherited, cfg.Owner)
	switch {
	case err != nil:
		return nil, err
	case len(d.Readers()) != max(1, cfg.Queues):
		return nil, fmt.Errorf("%s has %d queues: %w", d.Name(), len(d.Readers()), tun.ErrInherited)
	}
	return d, nil
}

// Descriptors returns other descriptors of the device, for Config.Inherited of another program; nil: it
// cannot be passed on.
func (n *Network) Descriptors() (all []*os.File, err error) {
	d, ok := n.device.(interface{ Descriptors() []syscall.Conn })
	if !ok {
		return nil, nil
	}
	for _, c := range d.Descriptors() {
		f, err := passfd.Duplicate(c, n.cfg.Name)
		if err != nil {
			passfd.Close(all)
			return nil, err
		}
		all = append(all, f)
	}
	return all, nil
}
