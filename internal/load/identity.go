package load

import (
	"fmt"
	"math/bits"
	"strings"

	"upppoe/pppoe"
	"upppoe/pppoe/afpacket"
	"upppoe/pppoe/datapath"
	"upppoe/pppoe/vlan"
	"upppoe/pppoe/wire"
)

func (c *Config) parseAddresses() (err error) {
	if c.base, err = wire.ParseAddr(c.MAC); err != nil {
		return fmt.Errorf("--mac %w", err)
	}
	if !c.base.IsUnicast() {
		return fmt.Errorf("--mac %v: a multicast address: make the first octet even", c.base)
	}
	if c.addressPrefix() < 8 {
		return fmt.Errorf("--mac %v: %d addresses from there on have no common first octet", c.base, c.Sessions)
	}
	if c.VLANs == "" {
		return nil
	}
	if c.tags, err = vlan.ParseList(c.VLANs); err != nil {
		return fmt.Errorf("--vlan: %w", err)
	}
	return nil
}

// number and addr convert between an address and its number.
func number(a wire.Addr) (n uint64) {
	for _, octet := range a {
		n = n<<8 | uint64(octet)
	}
	return n
}

func addr(n uint64) (a wire.Addr) {
	for i := range a {
		a[i] = byte(n >> (8 * (len(a) - 1 - i)))
	}
	return a
}

// Addresses is how many Ethernet addresses are ours: some more than sessions, for newcomers.
func (c *Config) Addresses() int { return c.Sessions + extraClients }

// extraClients is the number of clients that dial beside the sessions, one after the other.
const extraClients = 64

// addressPrefix is the length of the common prefix of all our addresses, in bits.
func (c *Config) addressPrefix() int {
	first := number(c.base)
	last := first + uint64(c.Addresses()-1)
	return bits.LeadingZeros64((first^last)<<16 | 0xffff)
}

// Client returns the identity of a client.
func (c *Config) Client(i int) pppoe.GroupClient {
	client := pppoe.GroupClient{
		Addr: addr(number(c.base) + uint64(i)), User: fill(c.User, i), Password: fill(c.Password, i),
		AccessLine: wire.AccessLine{CircuitID: fill(c.CircuitID, i), RemoteID: fill(c.RemoteID, i)},
	}
	if len(c.tags) > 0 {
		client.VLAN = c.tags[i%len(c.tags)]
	}
	return client
}

// fill replaces %d in a template.
func fill(template string, i int) string {
	if !strings.Contains(template, "%d") {
		return template
	}
	return fmt.Sprintf(template, i)
}

// Ports are the ports of all clients, and that of the flood, if there is one.
type Ports struct {
	pppoe.Ports
	flood datapath.Port
}

// Close closes them.
func (p Ports) Close() {
	p.Ports.Close()
	if p.flood != nil {
		p.flood.Close()
	}
}

// OpenPorts opens the ports on an interface of the caller's network namespace.
func (c *Config) OpenPorts(name string) (ports Ports, err error) {
	a := afpacket.Attachment{Interface: name, Source: c.base, SourcePrefix: c.addressPrefix()}
	if len(c.tags) == 0 {
		ports.Ports, err = afpacket.OpenPorts(a)
	} else {
		ports.Ports, err = afpacket.OpenTrunkQueues(afpacket.Trunk{Attachment: a, VLANs: vlan.Any()}, 1)
	}
	if err != nil || c.Flood == "" {
		return ports, err
	}
	if ports.flood, err = openFlood(name); err != nil {
		ports.Ports.Close()
	}
	return ports, err
}
