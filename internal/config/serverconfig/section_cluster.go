package serverconfig

import (
	"fmt"
	"os"
	"strings"
	"time"

	"upppoe/internal/cluster"
	"upppoe/internal/cluster/allactive"
	"upppoe/internal/state/etcdstore"
	"upppoe/pppoe/wire"
)

// Cluster is the machines of which one is the active server, and the others standby; or with AllActive, those that
// all are. Without Machines there is no cluster.
type Cluster struct {
	AllActive    bool
	BlockSize    int // of AllActive, as the following
	SpareBlocks  int
	Hold         time.Duration // 0: the default
	RefuseAway   bool          // logins, while etcd is away
	Name         string        // of this machine; empty: the host name
	Machines     []string      // all, including this one
	Address      wire.Addr
	Etcd         etcdstore.Config // without the password
	PasswordFile string
	Prefix       string        // empty: by the AC-Name
	Lease        time.Duration // 0: the default
	Segment      string        // interface of messages between the machines; empty: the first that is served
	Script       string        // empty: none
}

var clusterSection = single[Cluster]{
	name: "cluster", help: "Several machines as one access concentrator: one is active, and if it fails, another continues its sessions within three seconds. etcd keeps the sessions, and which machine is active. " +
		"Or all are active (mode = \"all-active\"), each with an Ethernet address and sessions of its own: etcd keeps which of them has which blocks of the pools, and where a user has sessions. " +
		"All machines have the same configuration but for name, and serve interfaces of the same names.",
	of: func(c *Config) *Cluster { return &c.Cluster },
	keys: []key[Cluster]{
		{"machines", "", "Names of all machines, at least this one. Default: none, there is no cluster.",
			fixed(at(list(str("NAME", "a name like \"bng1\"", printable), `a list of names like ["bng1", "bng2"]`), func(c *Cluster) *[]string { return &c.Machines }))},
		{"mode", "", "\"standby\": one machine is active. \"all-active\": all are, and share the pools and the limits of users.",
			fixed(at(oneOf("MODE", []string{"standby", "all-active"}, false, true), func(c *Cluster) *bool { return &c.AllActive }))},
		{"block-size", "", "all-active: addresses, networks or delegated prefixes in a block, which one machine leases: a power of two, the same on all machines.",
			fixed(atDefault(number(1, allactive.MaxBlockSize, "64"), func(c *Cluster) *int { return &c.BlockSize }, allactive.DefaultBlockSize))},
		{"spare-blocks", "", "all-active: blocks of each pool that a machine leases in advance: what new sessions have while etcd is away. It leases more if a second, or an eighth of its sessions, takes more.",
			fixed(atDefault(number(1, 1000, "4"), func(c *Cluster) *int { return &c.SpareBlocks }, allactive.DefaultSpare))},
		{"hold", "", "all-active: time without a sign of a machine after which others may have its addresses. A machine that cannot reach etcd ends its sessions a little earlier.",
			fixed(atDefault(duration(allactive.MinHold, time.Second, "1h"), func(c *Cluster) *time.Duration { return &c.Hold }, allactive.DefaultTiming.Hold))},
		{"etcd-away", "", "all-active: what becomes of new sessions while etcd is away: \"serve\" them with addresses of the leased blocks, and tell etcd later; or \"refuse\" them.",
			fixed(at(oneOf("WHAT", []string{"serve", "refuse"}, false, true), func(c *Cluster) *bool { return &c.RefuseAway }))},
		{"name", "", "Name of this machine among them. Default: the host name.",
			fixed(at(str("NAME", "a name like \"bng1\"", printable), func(c *Cluster) *string { return &c.Name }))},
		{"address", "", "Ethernet address of the access concentrator, which the active machine has in addition to its own: a locally administered one. all-active: none, each has its own.",
			fixed(at(asText("MAC", "an address like \"02:00:5e:00:53:01\"", stationAddress, stationText), func(c *Cluster) *wire.Addr { return &c.Address }))},
		{"etcd", "", "Addresses of etcd's members, with https:// for TLS.",
			fixed(at(list(str("ADDRESS", "an address like \"192.0.2.5:2379\"", printable), `a list of addresses like ["https://192.0.2.5:2379"]`), func(c *Cluster) *[]string { return &c.Etcd.Endpoints }))},
		{"ca-file", "", "Certificates, in PEM, that etcd's is verified by. Default: those of the system.",
			fixed(at(path("/etc/upppoe/etcd-ca.pem"), func(c *Cluster) *string { return &c.Etcd.CAFile }))},
		{"cert-file", "", "Certificate of this server, in PEM, for etcd. Default: none.",
			fixed(at(path("/etc/upppoe/etcd-cert.pem"), func(c *Cluster) *string { return &c.Etcd.CertFile }))},
		{"key-file", "", "Key of that certificate, in PEM.",
			fixed(at(path("/etc/upppoe/etcd-key.pem"), func(c *Cluster) *string { return &c.Etcd.KeyFile }))},
		{"user", "", "User of etcd. Default: none, it has no authentication.",
			fixed(at(str("NAME", "a name like \"bng\"", printable), func(c *Cluster) *string { return &c.Etcd.User }))},
		{"password-file", "", "File whose first line is the user's password.",
			fixed(at(path("/etc/upppoe/etcd-password"), func(c *Cluster) *string { return &c.PasswordFile }))},
		{"prefix", "", "What the keys in etcd begin with; it ends with /. Default: /upppoe/, and the AC-Name.",
			fixed(at(str("PREFIX", "a prefix like \"/upppoe/pop1/\"", keyPrefix), func(c *Cluster) *string { return &c.Prefix }))},
		{"lease", "", "Time without a sign of the active machine after which another takes over. The clocks of etcd and of the machines need not agree.",
			fixed(atDefault(duration(time.Second, time.Millisecond, "5s"), func(c *Cluster) *time.Duration { return &c.Lease }, cluster.DefaultTiming.Lease))},
		{"segment", "", "Interface over which the machines reach each other while etcd is away; it may be a VLAN device. Default: the first that is served, untagged.",
			fixed(at(str("INTERFACE", "the name of an interface like \"eth1\"", printable), func(c *Cluster) *string { return &c.Segment }))},
		{"script", "", "Program to run when this machine becomes active, and standby: UPPPOE_STATE is \"active\" or \"standby\", and UPPPOE_MACHINE, UPPPOE_CLUSTER and UPPPOE_ADDRESS are its name, the prefix and the address. all-active: when it has leased a block, and returned it: UPPPOE_STATE is \"leased\" or \"returned\", and UPPPOE_BLOCK the prefix.",
			fixed(at(path("/etc/upppoe/cluster-changed"), func(c *Cluster) *string { return &c.Script }))},
	},
}

func stationAddress(s string) (wire.Addr, error) {
	a, err := wire.ParseAddr(s)
	if err == nil && !a.IsUnicast() {
		err = errInvalid
	}
	return a, err
}

func stationText(a wire.Addr) string {
	if a == (wire.Addr{}) {
		return ""
	}
	return a.String()
}

func keyPrefix(s string) error {
	if !strings.HasPrefix(s, "/") || !strings.HasSuffix(s, "/") {
		return errInvalid
	}
	return printable(s)
}

// IsOn reports whether there is a cluster with one active machine.
func (c *Cluster) IsOn() bool { return len(c.Machines) > 0 && !c.AllActive }

// IsAllActive reports whether there is a cluster of which all machines are active.
func (c *Cluster) IsAllActive() bool { return len(c.Machines) > 0 && c.AllActive }

// ClusterMachine returns the name of this machine.
func (c *Config) ClusterMachine() string {
	if c.Cluster.Name != "" {
		return c.Cluster.Name
	}
	name, _ := os.Hostname()
	return name
}

// ClusterPrefix returns what the keys in etcd begin with.
func (c *Config) ClusterPrefix() string {
	if c.Cluster.Prefix != "" {
		return c.Cluster.Prefix
	}
	return "/upppoe/" + c.ACName() + "/"
}

// ClusterSegment returns the interface of messages between the machines.
func (c *Config) ClusterSegment() string {
	if c.Cluster.Segment != "" || len(c.Interfaces) == 0 {
		return c.Cluster.Segment
	}
	return c.Interfaces[0].Name
}

// checkCluster rejects a cluster that could not work.
func (c *Config) checkCluster(r *report) {
	if c.Cluster.IsAllActive() {
		c.checkAllActive(r)
	}
	if !c.Cluster.IsOn() {
		return
	}
	is := cluster.Config{Name: c.ClusterMachine(), Machines: c.Cluster.Machines, Timing: cluster.Timing{Lease: c.Cluster.Lease}}
	if err := is.Check(); err != nil {
		r.fail("cluster.name", err.Error(), fmt.Sprintf("the name of this machine here, or %q in machines", is.Name))
	}
	if c.Cluster.Address == (wire.Addr{}) {
		r.fail("cluster.address", "the machines have no common Ethernet address", `an address like "02:00:5e:00:53:01"`)
	}
	c.checkEtcd(r)
}

func (c *Config) checkEtcd(r *report) {
	etcd := c.Cluster.Etcd
	if c.Cluster.PasswordFile != "" {
		etcd.Password = func() (string, error) { return "", nil } // in the file
	}
	if err := etcd.Check(); err != nil {
		r.fail("cluster.etcd", err.Error(), `addresses like ["https://192.0.2.5:2379"]`)
	}
}
