// Package arch_test holds the architecture: which way imports run, and what the
// protocol packages must not know.
package arch_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

const root = "../.."

// source is a file that is no test.
type source struct {
	path string // from the root
	pkg  string // its folder
	file *ast.File
	set  *token.FileSet
}

func sources(t *testing.T) (all []source) {
	t.Helper()
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
			return err
		}
		set := token.NewFileSet()
		file, err := parser.ParseFile(set, path, nil, parser.ParseComments)
		if err != nil {
			return err
		}
		rel, _ := filepath.Rel(root, path)
		all = append(all, source{rel, filepath.ToSlash(filepath.Dir(rel)), file, set})
		return nil
	})
	if err != nil || len(all) < 50 {
		t.Fatalf("found %d files: %v", len(all), err)
	}
	return all
}

// imports are a file's, without quotes.
func (s source) imports() (paths []string) {
	for _, i := range s.file.Imports {
		paths = append(paths, strings.Trim(i.Path.Value, `"`))
	}
	return paths
}

// name is what a file calls an import.
func (s source) name(path string) string {
	for _, i := range s.file.Imports {
		if i.Name != nil && strings.Trim(i.Path.Value, `"`) == path {
			return i.Name.Name
		}
	}
	return path[strings.LastIndexByte(path, '/')+1:]
}

// may is what each package of the library may import of the project.
var may = map[string][]string{
	"ppp":                     {},
	"lcp":                     {"ppp", "internal/random"},
	"ipcp":                    {"ppp"},
	"chap":                    {"ppp", "internal/random"},
	"ppp/pap":                 {"ppp"},
	"ppp/eap":                 {"ppp", "chap", "internal/random"}, // EAP's MD5 is CHAP's
	"ppp/ipv6cp":              {"ppp", "internal/random"},
	"ppp/ppptest":             {"ppp", "ppp/trace"},
	"ppp/session":             {"ppp", "lcp", "ipcp", "ppp/ipv6cp", "internal/event"},
	"ppp/trace":               {"ppp", "lcp", "ipcp", "chap", "ppp/ipv6cp", "ppp/pap", "ppp/eap"},
	"tun":                     {},
	"tun/tuntest":             {"tun"},
	"pppoe/vlan":              {},
	"pppoe/wire":              {"ppp/ipv6cp"},
	"pppoe/discovery":         {"ppp", "pppoe/wire", "internal/random"},
	"pppoe/datapath":          {"ppp", "tun", "pppoe/wire"},
	"pppoe":                   {"ppp", "ipcp", "ppp/ipv6cp", "ppp/session", "tun", "internal/deadlines", "internal/event", "internal/random", "internal/ratelimit", "pppoe/vlan", "pppoe/wire", "pppoe/discovery", "pppoe/datapath"},
	"pppoe/afpacket":          {"pppoe", "pppoe/vlan", "pppoe/wire", "pppoe/datapath"},
	"pppoe/ethertest":         {"pppoe", "pppoe/vlan", "pppoe/wire", "pppoe/datapath"},
	"pppoe/linux":             {"pppoe", "pppoe/afpacket", "pppoe/datapath", "pppoe/vlan", "pppoe/wire", "internal/ebpf", "internal/host/netconfig"},
	"internal/host/netconfig": {"ipcp", "ppp/ipv6cp", "pppoe", "pppoe/datapath", "pppoe/wire", "tun", "internal/atomicfile", "internal/host/sysctl", "internal/host/undolog"},
	"internal/ipv6/lifetime":  {},
	"internal/ipv6/radv":      {"internal/ipv6/lifetime"},
	"internal/ipv6/dhcp6":     {"internal/ipv6/lifetime"},
	"internal/ipv6/netif":     {"internal/ipv6/lifetime", "internal/ipv6/radv", "internal/host/sysctl", "internal/host/undolog"},
	"internal/host/sysctl":    {},
	"internal/advice":         {"pppoe", "pppoe/discovery", "pppoe/wire"},
	"internal/event":          {},
	"internal/host/undolog":   {"internal/atomicfile"},
	"internal/random":         {},
	"internal/ratelimit":      {},
	"internal/atomicfile":     {},
	"internal/ipv6":           {"internal/ipv6/lifetime", "internal/ipv6/radv", "internal/ipv6/dhcp6", "internal/ipv6/netif", "internal/host/sysctl", "internal/atomicfile"},
	"internal/ipv6/runner":    {"internal/ipv6/netif", "internal/host/netconfig", "ppp", "pppoe"},
	"internal/ipv6/server":    {"internal/ipv6/lifetime", "internal/ipv6/radv", "internal/ipv6/dhcp6", "internal/ipv6/netif"},
}

func TestImportsRunOneWay(t *testing.T) {
	for _, s := range sources(t) {
		allowed, library := may[s.pkg]
		for _, path := range s.imports() {
			own, ours := strings.CutPrefix(path, "upppoe/")
			if !ours {
				continue
			}
			if library && !slices.Contains(allowed, own) {
				t.Errorf("%s imports %s", s.path, path)
			}
			if strings.HasPrefix(own, "cmd/") || strings.HasPrefix(own, "test/") && !strings.HasPrefix(s.pkg, "test/") {
				t.Errorf("%s imports %s, which is a program or a test", s.path, path)
			}
		}
		if !library && !strings.HasPrefix(s.pkg, "internal/") && !strings.HasPrefix(s.pkg, "cmd/") && !strings.HasPrefix(s.pkg, "test/") {
			t.Errorf("package %s has no place in the architecture: give it one here", s.pkg)
		}
	}
}

// protocol reports whether a package is one that is told the time. What only tests use is
// not.
func protocol(pkg string) bool {
	return pkg != "ppp/ppptest" && (pkg == "lcp" || pkg == "ipcp" || pkg == "chap" || pkg == "ppp" || strings.HasPrefix(pkg, "ppp/"))
}

// TestProtocolsAreTold: below package pppoe, time, randomness and the world outside
// are arguments. What stands for randomness that is not given is internal/random's to say.
func TestProtocolsAreTold(t *testing.T) {
	forbidden := []string{"sync", "sync/atomic", "os", "net", "math/rand", "math/rand/v2", "crypto/rand", "log", "log/slog", "context", "syscall"}
	clock := []string{"Now", "Sleep", "After", "AfterFunc", "NewTimer", "NewTicker", "Tick", "Since", "Until"}
	for _, s := range sources(t) {
		if !protocol(s.pkg) {
			continue
		}
		if s.name("time") == "." {
			t.Errorf("%s hides which names are time's", s.path)
		}
		for _, path := range s.imports() {
			// A password hides itself from slog, which is no logging.
			if slices.Contains(forbidden, path) && !(s.path == "ppp/pap/password.go" && path == "log/slog") {
				t.Errorf("%s imports %s", s.path, path)
			}
		}
		ast.Inspect(s.file, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.GoStmt:
				t.Errorf("%v: a protocol package starts a goroutine", s.set.Position(n.Pos()))
			case *ast.SelectorExpr:
				if x, ok := n.X.(*ast.Ident); ok && x.Name == s.name("time") && slices.Contains(clock, n.Sel.Name) {
					t.Errorf("%v: a protocol package reads the clock", s.set.Position(n.Pos()))
				}
			}
			return true
		})
	}
}

// TestNobodySkips: a test is left out by package roottest, which fails it where nobody would
// see that.
func TestNobodySkips(t *testing.T) {
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.HasSuffix(path, ".go") || strings.HasPrefix(path, root+"/internal/roottest/") {
			return err
		}
		set := token.NewFileSet()
		file, err := parser.ParseFile(set, path, nil, 0)
		if err != nil {
			return err
		}
		ast.Inspect(file, func(n ast.Node) bool {
			if s, ok := n.(*ast.SelectorExpr); ok && slices.Contains([]string{"Skip", "Skipf", "SkipNow"}, s.Sel.Name) {
				t.Errorf("%v: %s: use roottest.Need, SkipMissing or SkipCoveredBy", set.Position(n.Pos()), s.Sel.Name)
			}
			return true
		})
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestPackagesAreDescribed(t *testing.T) {
	described := map[string]bool{}
	for _, s := range sources(t) {
		described[s.pkg] = described[s.pkg] || s.file.Doc != nil
	}
	for pkg, ok := range described {
		if !ok {
			t.Errorf("package %s has no description", pkg)
		}
	}
}

func TestTopLevel(t *testing.T) {
	entries, err := os.ReadDir(root)
	if err != nil {
		t.Fatal(err)
	}
	allowed := []string{"cmd", "pppoe", "ppp", "lcp", "ipcp", "chap", "tun", "test", "internal", "go.mod", "go.sum", "LICENSE", "README.md"}
	for _, e := range entries {
		if !strings.HasPrefix(e.Name(), ".") && !slices.Contains(allowed, e.Name()) {
			t.Errorf("%s has no place at the top level", e.Name())
		}
	}
}
