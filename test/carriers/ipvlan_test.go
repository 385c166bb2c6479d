package carriers

import (
	"path/filepath"
	"strings"
	"testing"

	"upppoe/test/guest"
	"upppoe/test/lab/labtest"
)

// TestIpvlanReceivesNoAnswers: ipvlan cannot be a client's interface. Its devices share the
// Ethernet address of their parent, and the kernel finds a frame's device by the IP address in it;
// frames of other protocols, such as PPPoE, go to the parent, unless they are broadcast. So the
// PADO arrives at the parent, on which one can dial. The user sees that no concentrator answers.
func TestIpvlanReceivesNoAnswers(t *testing.T) {
	t.Parallel()
	need(t)
	k := guest.Kernels{Owner: t, Bin: bin}
	k.Run(t, []string{"veth", "ipvlan"}, func(t *testing.T) {
		host, server := pair(t)
		child := port{in: labtest.Namespace(t), name: "ipv0"}
		ip(t, host, "link add link eth0 name ipv0 type ipvlan mode l2")
		check(t, host.MoveInterface("ipv0", child.in))
		ac := serve(t, port{in: server, name: "eth0"})

		out, err := child.in.Run(filepath.Join(bin, "pppoe-discovery"), "-I", "ipv0", "-t", "1", "-a", "1")
		if err == nil || strings.Contains(out, "carrier-ac") {
			t.Errorf("pppoe-discovery on ipvlan: %v\n%s", err, out)
		}
		check(t, ac.Await("Send PPPOE Discovery V1T1 PADO")) // the server has received it
		client := start(t, child.in, "pppoe-client",
			append([]string{"ipv0", "pppoe-padi-timeout", "1", "pppoe-padi-attempts", "1"}, options...)...)
		if code, err := client.Wait(); err != nil || code != 8 {
			t.Errorf("the client ended with %d, want 8 (no answer): %v", code, err)
		}

		parent := port{in: host, name: "eth0"}
		discover(t, parent)
		dial(t, parent).hangUp(t)
	})
}
