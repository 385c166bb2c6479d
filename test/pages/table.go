package pages

// The pages' names, for rules.
const (
	readme      = "README.md"
	contribute  = ".github/CONTRIBUTING.md"
	cluster     = ".github/docs/cluster.md"
	debian      = ".github/docs/debian.md"
	moving      = ".github/docs/moving.md"
	performance = ".github/docs/performance.md"
	packages    = ".github/docs/packages.md"
	vyos        = ".github/docs/vyos.md"
	docs        = ".github/docs/*.md"
	datapath    = "test/bench/datapath/README.md"
	loadReadme  = "test/load/README.md"
	openwrt     = "internal/packaging/files/openwrt/README"
)

// rules are tried from the first on. Functions like online and fresh are those of test/story/testdata/stage.sh.
var rules = []rule{
	// Blocks.
	{Page, docs, "block console\n.*", ""},
	{Config, "", "block toml\n.*", ""},
	{Page, readme, "block \n(CGO_ENABLED=0 go build|cat > /etc/ppp/peers/my-isp|mkdir -p /etc/ppp && printf).*", ""},
	{Page, docs, "block \n# /etc/(freeradius|ppp|upppoe)/.*", ""},
	{FRR, cluster, "block \n# /etc/frr/frr.conf\n.*", ""},
	{FRR, cluster, "block sh\n#!/bin/sh\n# /etc/upppoe/(cluster|block)-changed.*", ""},
	{CoA, readme, "block sh\necho 'User-Name.*", ""},
	{Import, readme, "block \ngo mod edit -replace.*", ""},
	{Debian, debian, "block sh\n.*", ""},
	{Debian, vyos, "block sh\n.*", ""},
	{Debian, packages, "block sh\napt install .*", ""},
	{NotRun + "installs from Debian's archive; .ci/run installs these packages, and README's test runs the build", docs, "block sh\napt install freeradius .*", ""},
	{NotRun + "ends what the page has made, as the test does itself", docs, "block sh\nkill .*", ""},
	{NoCommand + "a picture", "", "block mermaid\n.*", ""},
	{NoCommand + "a picture", "", `block \n *(core:|host ---).*`, ""},
	{NotRun + "needs a router; test/packages installs what the first two commands copy", openwrt, "block \nscp .*", ""},
	{NoCommand + "a configuration of OpenWrt; its options are compared with the handler's by test/packages", openwrt, "block \nconfig interface.*", ""},

	// Commands of Go.
	{Datapath, "", `go run \./test/bench/datapath.*`, ""},
	{NotRun + "takes minutes, and boots a guest; test/interop boots it too", "", `go run \./test/bench/guest.*`, ""},
	{Load, "", `(sudo )?go run \./test/load .*`, ""},
	{Load, loadReadme, `… .*`, "go run ./test/load --self -n 2000 --hold 30s {}"},
	{Load, loadReadme, `--vlan .*`, "go run ./test/load --self -n 2000 {}"},
	{Load, loadReadme, `--target .*`, "go run ./test/load --self -n 2000 --hold 30s --traffic 10000,200 {}"},
	{Load, readme, `--upgrade .*|--kill .*|--hold .*|--echo 30s|--server-option .*`, "go run ./test/load --self -n 20000 --hold 25s {}"},
	{Demo, readme, `go run \./test/demo.*`, ""},
	{Demo, readme, `--(keep|vlan 50.100|relay|clients 100)`, "go run ./test/demo {}"},
	{Sources, readme, `-bench .*`, "go test ./test/bench -run '^$' {}"},
	{Sources, "", `go (test|run) .*`, ""},
	{Story, "", `go doc upppoe/.*`, "cd ../.. && {}"},
	{NotRun + ".ci/run runs it", contribute, `go (vet|mod tidy -diff)`, ""},
	{NoCommand + "a part of one", "", `go (doc|get)|-race|-v|-(version|arch) .*`, ""},

	// Servers.
	{Story, readme, `pppoe-server --config /etc/upppoe/server.toml|pppoe-server --web 127.0.0.1:8080`, "fresh {}"},
	{NotRun + "test/life runs ScanOfAllVLANs", readme, `pppoe-server --vlan 1-4094`, ""},
	{Story, readme, `pppoe-server config-from-accel .*`, "printf '[modules]\npppoe\n[pppoe]\ninterface=eth1\n' > /run/accel-ppp.conf; pppoe-server config-from-accel /run/accel-ppp.conf"},
	{Story, "", `pppoe-server config-from-(flags|accel)`, "{} --help"},
	{NotRun + "test/failover runs it, with three machines", cluster, `pppoe-server cluster-free .*`, ""},
	{NoCommand + "flags that are allowed, one by one: test/interop starts a server with each", moving, `pppoe-server -I -L -l.*|-k -s .*|-i -f .*`, ""},
	{Story, "", `pppoe-server upgrade`, "online; {}"},
	{Story, "", `pppoe-server (events|log -f)`, "online; brief {}"},
	{Story, readme, `(events) \[--json\]`, "online; brief pppoe-server events --json"},
	{Story, readme, `log -f|top`, "online; brief pppoe-server {}"},
	{Story, readme, `sessions .*|session .*|update alice .*|drain|undrain|upgrade|reload|pools|stats|disconnect .*|top .*`, "online; pppoe-server {}"},
	{Story, readme, `--watch|--json`, "online; brief pppoe-server sessions {}"},
	{Story, "", `pppoe-server [a-z].*`, "online; {}"},
	{Story, "", `pppoe-(server|client) --(man|help)( \| .*)?`, "{}"},

	// Flags of pppoe-server.
	{Story, "", `-I eth1( -I eth2| --vlan .*)?`, "fresh pppoe-server {}"},
	{Story, readme, `--vlan 50.1-4094`, "pppoe-discovery -I eth0 --vlan 50.1-94"},
	{Story, readme, `--vlan .*|--device shared|-x 1|--(session|half-open|padi)-limit .*|--mac-allow .*|-S .*|--pado-delay .*|--duplicate-session .*|--state .*`, "fresh pppoe-server -I eth1 {}"},
	{Story, docs, `-L 192.*|-x 1|--(session|padi)-limit .*|--mac-deny .*|--ipv6-.*|--duplicate-session .*|--device shared`, "fresh pppoe-server -I eth1 {}"},
	{Story, "", `--device shared`, "fresh pppoe-server -I eth1 {}"},
	{Story, readme, `-- .*`, "account '\"alice\" * \"her password\" * {}'"},
	{Story, moving, `-- .*`, "account '\"alice\" * \"her password\" * {}'"},
	{Story, readme, `"(alice|bob)" .*`, "account '{}'"},

	// Clients and probes.
	{Story, "", `pppoe-client call my-isp pcap .*`, "offline; {}"},
	{Story, "", `pppoe-client (log -f|top my-isp)`, "online; brief {}"},
	{Story, performance, `pppoe-client load .*`, "{} -n 5 --hold 300ms --traffic 50,200 -q"},
	{Story, readme, `pppoe-client load|load --interface`, "flag --sessions"},
	{Story, moving, `pppoe-client load`, "flag --sessions"},
	{Story, readme, `--expect 'est.*`, "pppoe-client load -I eth0 -n 5 -q {}"},
	{Story, moving, `-I eth1 -n 100|--user .*|--vlan 200.*|--mac 02.*|--rate 200|--no-ipv6|--prefix`, "load {}"},
	{Story, moving, `status --json`, "online; pppoe-client {}"},
	{NoCommand + "its name; the console block below has the command", ".github/docs/diagnosing.md", `pppoe-client doctor`, ""},
	{Story, "", `pppoe-client (status|stop|doctor)( .*)?`, "online; {}"},
	{Story, readme, `pppoe-discovery explain FILE`, "offline; pppoe-client call my-isp pcap /run/FILE; offline; cd /run; {}"},
	{Story, readme, `pppoe-discovery --vlan 1-4094`, "{} -I eth0"},
	{Story, "", `pppoe-discovery -I eth0 --watch .*`, "brief {}"},
	{Story, "", `pppoe-discovery .*`, "{}"},
	{Story, moving, `plugin radius.so`, "! pppoe-client eth0 {} dryrun"},
	{Story, "", `(plugin|pty|mtu|mru|host-uniq|vlan|dhcp6-lan|datapath|datapath-queues|persist|lcp-echo-interval|lcp-echo-failure|resolv) .*`, "pppoe-client eth0 {} dryrun"},

	// Other programs.
	{Story, readme, `install .*`, "cd ../..; {}"},
	{Story, readme, `\(umask 77; head .*`, ""},
	{Story, "", `sysctl .*|ethtool -K .*|ip link set eth1 mtu .*`, "at_server <<< '{}'"},
	{Story, "", `ip link set eth0 up`, ""},
	{Story, readme, `ip -s link|tcpdump .*`, "online; brief {}"},
	{NotRun + "test/interop does, in a guest whose kernel has VRFs", readme, `ip link add red .*`, ""},
	{NoCommand + "a part of one, or of its output", "", `kill -(HUP|9)|ethtool -L|systemctl (stop|edit)|apt purge|-v /sys.*|--init|--target full|Authorization: Bearer|show stat|shaper change`, ""},
	{NotRun + "needs an engine for containers: test/container builds and runs what the Dockerfile says", readme, `docker build .*`, ""},
	{NotRun + "needs another machine", readme, `ssh -L .*`, ""},
	{NotRun + "internal/mgmt/web serves HTTPS in its tests", readme, `--web-cert .*`, ""},
	{NotRun + "test/life searches with them", docs, `--vlan (1|100.1)-4094`, ""},
	{NotRun + "installs from Debian's archive, as .ci/run does", docs, `apt install frr`, ""},
	{Story, cluster, `etcd --auto.*`, "etcd --auto-compaction-mode=periodic --auto-compaction-retention=5m --help"},
	{Debian, readme, `journalctl .*`, ""},
	{Debian, packages, `(systemctl|cp) .*`, ""},
	{Debian, vyos, `systemctl .*`, ""},
	{FRR, cluster, `UPPPOE_STATE=active .*`, ""},
	{NoCommand + "a line of another program's configuration", "", `no bgp .*|bgp .*|neighbor .*|redistribute kernel|update reply|(iface|inet) .*|option .*|\[[a-z0-9-]+\] [A-Za-z0-9_:/,=.-]+`, ""},
	{NoCommand + "a command of another program, which is replaced", "", `(show|set|connect|disconnect|accel-cmd|pppd|dpkg-divert) .*|(-i|-u|-vlan|-vlanstep|-mac|-cid|-rid|-interval|-v6=false|-a)( .*)?`, ""},

	{NoCommand + "says how captures were made", "test/golden/testdata/README.md", `ip addr show ppp0`, ""},

	{NotRun + "needs a router; internal/packaging has a test of the package", packages, `opkg install .*`, ""},

	// Keys and flags.
	{NoCommand + "a section of another program's configuration", moving, `\[(chap-secrets|ip-pool|radius)\]`, ""},
	{Config, "", `\[\[?[a-z0-9-]+\]?\]( [a-z]+)?|[a-z-]+ = .*`, ""},
	{NoCommand + "options, which the table's blocks show with values", datapath, `-[a-z]+`, ""},
	{Datapath, datapath, `-(columns|only|repeat|time) .*`, "go run ./test/bench/datapath {}"},
	{Story, "", `--?[A-Za-z0-9-]+( [A-Z]+)?`, "flag {}"},
	{NoCommand + "a value of an attribute", readme, `lcp:interface-config=.*`, ""},
	{NoCommand + "a name", "", `[^- ]\S*`, ""},
}
