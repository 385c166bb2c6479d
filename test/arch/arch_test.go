// Package arch_test checks the architecture: the directions of imports, and that the protocol
// packages do no I/O and read no clock.
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

// source is a Go file that is not a test.
type source struct {
	path string // relative to the root
	pkg  string // its directory
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

// imports returns the paths that a file imports.
func (s source) imports() (paths []string) {
	for _, i := range s.file.Imports {
		paths = append(paths, strings.Trim(i.Path.Value, `"`))
	}
	return paths
}

// name returns the name of an import in a file.
func (s source) name(path string) string {
	for _, i := range s.file.Imports {
		if i.Name != nil && strings.Trim(i.Path.Value, `"`) == path {
			return i.Name.Name
		}
	}
	return path[strings.LastIndexByte(path, '/')+1:]
}

// allowedImports lists, for each package, which packages of the module it may import.
var allowedImports = map[string][]string{
	"ppp":                      {"internal/tlv"},
	"lcp":                      {"ppp", "internal/random", "internal/tlv"},
	"ipcp":                     {"ppp", "internal/tlv"},
	"chap":                     {"ppp", "internal/random", "internal/tlv"},
	"ppp/pap":                  {"ppp", "internal/tlv"},
	"ppp/eap":                  {"ppp", "chap", "internal/random", "internal/tlv"}, // EAP's MD5 is CHAP's
	"ppp/ipv6cp":               {"ppp", "internal/random", "internal/tlv"},
	"ppp/ppptest":              {"ppp", "ppp/trace"},
	"ppp/session":              {"ppp", "lcp", "ipcp", "ppp/ipv6cp", "internal/event", "internal/tlv"},
	"ppp/trace":                {"ppp", "lcp", "ipcp", "chap", "ppp/ipv6cp", "ppp/pap", "ppp/eap"},
	"tun":                      {},
	"tun/tuntest":              {"tun"},
	"pppoe/vlan":               {},
	"pppoe/wire":               {"ppp/ipv6cp", "pppoe/vlan"},
	"pppoe/discovery":          {"ppp", "pppoe/vlan", "pppoe/wire", "internal/deadlines", "internal/random"},
	"pppoe/limit":              {"pppoe/vlan", "pppoe/wire", "internal/random"},
	"pppoe/datapath":           {"ppp", "tun", "pppoe/vlan", "pppoe/wire"},
	"pppoe":                    {"ppp", "ipcp", "ppp/ipv6cp", "ppp/session", "tun", "internal/deadlines", "internal/event", "internal/keyed", "internal/random", "internal/ratelimit", "internal/tlv", "pppoe/vlan", "pppoe/wire", "pppoe/discovery", "pppoe/datapath", "pppoe/limit"},
	"pppoe/afpacket":           {"internal/host/nic", "pppoe", "pppoe/vlan", "pppoe/wire", "pppoe/datapath"},
	"pppoe/ethertest":          {"pppoe", "pppoe/vlan", "pppoe/wire", "pppoe/datapath"},
	"pppoe/linux":              {"internal/host/nic", "internal/process/passfd", "pppoe", "pppoe/afpacket", "pppoe/datapath", "pppoe/vlan", "pppoe/wire", "internal/ebpf", "internal/host/netconfig", "internal/host/prefixroute", "internal/host/sharednet"},
	"internal/host/netconfig":  {"internal/process/passfd", "ipcp", "ppp/ipv6cp", "pppoe", "pppoe/datapath", "pppoe/wire", "tun", "internal/atomicfile", "internal/host/prefixroute", "internal/host/sysctl", "internal/host/undolog", "internal/host/vrf"},
	"internal/host/vrf":        {},
	"internal/host/nic":        {},
	"internal/ipv6/lifetime":   {},
	"internal/ipv6/packet6":    {},
	"internal/ipv6/radv":       {"internal/ipv6/lifetime"},
	"internal/ipv6/dhcp6":      {"internal/ipv6/lifetime"},
	"internal/ipv6/netif":      {"internal/ipv6/lifetime", "internal/ipv6/radv", "internal/host/sysctl", "internal/host/undolog"},
	"internal/host/sysctl":     {},
	"internal/capture/reader":  {"pppoe/vlan"},
	"internal/capture/explain": {"ppp", "lcp", "ipcp", "chap", "ppp/pap", "ppp/eap", "ppp/ipv6cp", "ppp/trace", "pppoe/vlan", "pppoe/wire", "internal/capture/reader"},
	"internal/advice":          {"internal/host/ifname", "pppoe", "pppoe/afpacket", "pppoe/discovery", "pppoe/wire"},
	"internal/event":           {},
	"internal/host/undolog":    {"internal/atomicfile", "internal/lockfile"},
	"internal/keyed":           {},
	"internal/lockfile":        {},
	"internal/random":          {},
	"internal/ratelimit":       {},
	"internal/atomicfile":      {},
	"internal/tlv":             {},
	"internal/state":           {},
	"internal/ipv6":            {"internal/ipv6/lifetime", "internal/ipv6/radv", "internal/ipv6/dhcp6", "internal/ipv6/netif", "internal/host/sysctl", "internal/atomicfile"},
	"internal/ipv6/runner":     {"internal/ipv6/netif", "internal/host/netconfig", "ppp", "pppoe"},
	"internal/ipv6/assign":     {"internal/tlv", "internal/ipv6/lifetime", "internal/ipv6/radv", "internal/ipv6/dhcp6"},
	"internal/ipv6/shared":     {"ppp/ipv6cp", "internal/tlv", "internal/deadlines", "internal/random", "internal/ratelimit", "internal/ipv6/lifetime", "internal/ipv6/packet6", "internal/ipv6/radv", "internal/ipv6/dhcp6", "internal/ipv6/assign"},
	"internal/ipv6/server":     {"internal/ipv6/lifetime", "internal/ipv6/radv", "internal/ipv6/dhcp6", "internal/ipv6/netif", "internal/ipv6/assign"},
}

func TestImportsRunOneWay(t *testing.T) {
	for _, s := range sources(t) {
		allowed, listed := allowedImports[s.pkg]
		for _, path := range s.imports() {
			imported, ours := strings.CutPrefix(path, "upppoe/")
			if !ours {
				continue
			}
			if listed && !slices.Contains(allowed, imported) {
				t.Errorf("%s imports %s", s.path, path)
			}
			if strings.HasPrefix(imported, "cmd/") || strings.HasPrefix(imported, "test/") && !strings.HasPrefix(s.pkg, "test/") {
				t.Errorf("%s imports %s, which is a program or a test", s.path, path)
			}
		}
		if !listed && !strings.HasPrefix(s.pkg, "internal/") && !strings.HasPrefix(s.pkg, "cmd/") && !strings.HasPrefix(s.pkg, "test/") {
			t.Errorf("package %s is not in allowedImports: add it", s.pkg)
		}
	}
}

// isProtocol reports whether a package is a protocol package, which gets the time as an argument.
// Packages for tests are not.
func isProtocol(pkg string) bool {
	return pkg != "ppp/ppptest" && (pkg == "lcp" || pkg == "ipcp" || pkg == "chap" || pkg == "ppp" || strings.HasPrefix(pkg, "ppp/"))
}

// TestProtocolsArePure: protocol packages get time and random numbers as arguments, and do no I/O.
// The default source of random numbers is in internal/random.
func TestProtocolsArePure(t *testing.T) {
	forbidden := []string{"sync", "sync/atomic", "os", "net", "math/rand", "math/rand/v2", "crypto/rand", "log", "log/slog", "context", "syscall"}
	clock := []string{"Now", "Sleep", "After", "AfterFunc", "NewTimer", "NewTicker", "Tick", "Since", "Until"}
	for _, s := range sources(t) {
		if !isProtocol(s.pkg) {
			continue
		}
		if s.name("time") == "." {
			t.Errorf("%s dot-imports time", s.path)
		}
		for _, path := range s.imports() {
			// slog.LogValuer hides passwords; that is not logging.
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

// TestNoSkips: only package roottest skips tests, as it fails them where a skipped test would not be
// noticed.
func TestNoSkips(t *testing.T) {
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

func TestPackageComments(t *testing.T) {
	documented := map[string]bool{}
	for _, s := range sources(t) {
		documented[s.pkg] = documented[s.pkg] || s.file.Doc != nil
	}
	for pkg, ok := range documented {
		if !ok {
			t.Errorf("package %s has no package comment", pkg)
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
			t.Errorf("%s is not allowed at the top level", e.Name())
		}
	}
}

// TestFoundations: the packages that the project is built on are used, by programs and not only by
// tests.
func TestFoundations(t *testing.T) {
	used := make(map[string]bool)
	for _, s := range sources(t) {
		for _, path := range s.imports() {
			used[path] = true
		}
	}
	for _, path := range []string{"github.com/mdlayher/packet", "github.com/mdlayher/ethernet", "golang.org/x/sys/unix", "github.com/songgao/water"} {
		if !used[path] {
			t.Errorf("%s is not used", path)
		}
	}
}
