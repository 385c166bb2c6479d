package serverconfig

import (
	"os"
	"regexp"
	"strings"
	"testing"
)

// TestClusterExamples: the examples of the documentation are valid.
func TestClusterExamples(t *testing.T) {
	text, err := os.ReadFile("../../../.github/docs/cluster.md")
	if err != nil {
		t.Fatal(err)
	}
	examples := regexp.MustCompile("(?s)```toml\n(.*?)```").FindAllStringSubmatch(string(text), -1)
	if len(examples) != 3 {
		t.Fatalf("%d examples", len(examples))
	}
	for _, e := range examples {
		c, problems := Parse("cluster.md", e[1])
		if len(problems) > 0 || len(c.Cluster.Machines) < 2 || c.Cluster.IsAllActive() != strings.Contains(e[1], "all-active") {
			t.Errorf("%s\n%v", e[1], problems)
		}
	}
}

// TestAllActiveChecks: what several active machines cannot have is an error.
func TestAllActiveChecks(t *testing.T) {
	const head = "[[interface]]\nname = \"eth1\"\n[[pool]]\nname = \"gold\"\nranges = [\"172.16.0.0/24\"]\n"
	const cluster = "[cluster]\nmode = \"all-active\"\nmachines = [\"a\", \"b\", \"c\"]\nname = \"a\"\netcd = [\"192.0.2.5:2379\"]\n"
	for text, want := range map[string]string{
		head + cluster:                                       "",
		head + cluster + "block-size = 48\n":                 "the size of a block must be a power of two",
		head + cluster + "block-size = 128\n":                "pool gold (ipv4, 172.16.0.0/24) has 2 blocks of 128, fewer than there are machines: 3",
		head + cluster + "address = \"02:00:5e:00:53:01\"\n": "each machine has its own Ethernet address",
		head + cluster + "[state]\nfile = \"none\"\n":        "finds its blocks again by its file of sessions",
		head + "[[pool]]\nname = \"b\"\nranges = [\"172.16.1.0-172.16.1.200\", \"172.16.3.0/24\"]\n[[pool]]\nname = \"c\"\nranges = [\"172.16.1.201-172.16.2.255\"]\n" + cluster: "pools b and c have addresses in one block, 172.16.1.192/26",
		head + strings.Replace(cluster, `name = "a"`, `name = "x"`, 1):               "the list of machines must have this machine",
		"[[interface]]\nname = \"eth1\"\n[authentication]\nmethods = []\n" + cluster: "clients choose their addresses",
	} {
		_, problems := Parse("f", text)
		err := problems.Err()
		if want == "" && err != nil || want != "" && (err == nil || !strings.Contains(err.Error(), want)) {
			t.Errorf("%s\n%v, want %q", text, err, want)
		}
	}
}
