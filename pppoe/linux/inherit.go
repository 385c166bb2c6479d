package linux

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"os"

	"upppoe/internal/host/nic"
	"upppoe/internal/process/passfd"
	"upppoe/pppoe"
	"upppoe/pppoe/afpacket"
)

// Descriptors returns other descriptors of the sockets of all open ports, by names for Inherited of another
// process's Opener. The caller closes them.
func (o *Opener) Descriptors() map[string][]*os.File {
	o.mu.Lock()
	defer o.mu.Unlock()
	all := make(map[string][]*os.File)
	for name, ports := range o.opened {
		sockets, err := afpacket.Sockets(ports)
		if err != nil {
			continue // of tests
		}
		var files []*os.File
		for _, s := range sockets {
			f, err := passfd.Duplicate(s, name)
			if err != nil { // the ports are closed: their interface was lost
				passfd.Close(files)
				files = nil
				break
			}
			files = append(files, f)
		}
		if files != nil {
			all[name] = files
		}
	}
	return all
}

// ports returns the ports of a name: inherited ones, or else new ones.
func (o *Opener) ports(name string, inherit func([]*os.File) (pppoe.Ports, error), open func() (pppoe.Ports, error)) (ports pppoe.Ports, err error) {
	var sockets []*os.File
	if o.Inherited != nil {
		sockets = o.Inherited(name)
	}
	if len(sockets) == 1+max(1, o.queues()) {
		ports, err = inherit(sockets)
		if err != nil {
			logger(o.Log).Warn(fmt.Sprintf("the sockets are opened anew: %v", err))
		}
	}
	if ports.Session == nil {
		passfd.Close(sockets)
		if ports, err = open(); err != nil {
			return ports, err
		}
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.opened == nil {
		o.opened = make(map[string]pppoe.Ports)
	}
	o.opened[name] = ports
	return ports, nil
}

// nameOf returns the name of the sockets of an attachment. It has all that their filters depend on, in
// characters that a service manager accepts.
func nameOf(a afpacket.Attachment) string {
	address := a.Source.String()
	if at, err := nic.ByName(a.Interface); err == nil {
		address += at.HardwareAddr.String()
	}
	return hashed("port", a.Interface, a.VLAN.String(), address, fmt.Sprint(a.SourcePrefix))
}

// nameOfTrunk returns the name of the sockets of a trunk.
func nameOfTrunk(t afpacket.Trunk) string {
	return hashed("trunk", nameOf(t.Attachment), t.VLANs.String())
}

// hashed returns a name of fixed length.
func hashed(kind string, parts ...string) string {
	sum := sha256.Sum256(fmt.Appendf(nil, "%q", parts))
	return kind + "-" + hex.EncodeToString(sum[:12])
}
