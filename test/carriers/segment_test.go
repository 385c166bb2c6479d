package carriers

import (
	"strings"
	"testing"

	"upppoe/test/lab"
	"upppoe/test/lab/labtest"
)

// port is a host's connection to a segment.
type port struct {
	in   *lab.Namespace
	name string // of the interface
	vlan string // tags that our programs add and remove themselves; empty: none
}

// segment has one server and some clients.
type segment struct {
	server  port
	clients []port
}

// join makes a veth pair between two interfaces.
func join(t testing.TB, a, b port) {
	t.Helper()
	check(t, lab.Veth(lab.End{In: a.in, Name: a.name}, lab.End{In: b.in, Name: b.name}))
}

// pair makes a client and a server, connected by their eth0.
func pair(t testing.TB) (client, server *lab.Namespace) {
	t.Helper()
	client, server = labtest.Namespace(t), labtest.Namespace(t)
	join(t, port{in: client, name: "eth0"}, port{in: server, name: "eth0"})
	return client, server
}

// ip runs commands of ip(8), and of bridge(8) where they begin with it, in a namespace.
func ip(t testing.TB, in *lab.Namespace, lines ...string) {
	t.Helper()
	for _, line := range lines {
		args := strings.Fields(line)
		program := "ip"
		if args[0] == "bridge" {
			program, args = args[0], args[1:]
		}
		if out, err := in.Run(program, args...); err != nil {
			t.Fatalf("%s: %v\n%s", line, err, out)
		}
	}
}
