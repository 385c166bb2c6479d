# Functions for commands of pages: a server is on eth1 in the network namespace isp, and alice, from eth0,
# its user. Each command is run in a shell of its own, after what is here.

# Starts all. Once.
stage() {
	ip link set lo up
	ip netns add isp
	ip link add eth0 address 02:00:5e:00:53:02 type veth peer name eth1 address 00:00:5e:00:53:01 netns isp
	ip link set eth0 up
	ip -n isp link set lo up
	ip -n isp link set eth1 up
	ip netns add spare
	ip -n spare link set lo up
	ip -n spare link add eth1 type veth peer name eth2
	ip -n spare link add eth0 type veth peer name eth3
	for interface in eth0 eth1 eth2; do ip -n spare link set $interface up; done
	mount -t tmpfs none /usr/local/share/man
	umask 77
	echo 'her password' > /etc/ppp/secret
	printf '%s\n' '"alice" * "her password" 192.0.2.17' '* * secret *' 'user-0 * pass-0 *' > /etc/ppp/chap-secrets
	echo require-chap > /etc/ppp/pppoe-server-options
	: > /etc/ppp/macs
	cat > /etc/ppp/peers/my-isp <<- END
		eth0
		user alice
		password-file /etc/ppp/secret
		persist
		maxfail 0
		holdoff 1
	END
	cat > /etc/upppoe/server.toml <<- END
		[[interface]]
		name = "eth1"
		vlans = "untagged,50,100-199,50.7,200.100-199"
		[device]
		mode = "shared"
		[ipv4]
		local-address = "192.0.2.1"
		pool = "gold"
		[[pool]]
		name = "gold"
		ranges = ["198.51.100.0/24"]
		[ipv6]
		delegated-prefixes = "2001:db8:100::/40"
	END
	ip netns exec isp pppoe-server --config /etc/upppoe/server.toml
}

# Awaits that alice has her session, whatever the command before has done to it: the client may not know yet that the
# server has ended it.
online() {
	pppoe-server undrain > /dev/null 2>&1
	pppoe-client status my-isp > /dev/null 2>&1 || pppoe-client call my-isp
	timeout 20 sh -c 'until pppoe-server sessions --user alice | grep " online$" && pppoe-client status my-isp | grep ": online"; do sleep 0.02; done' > /dev/null
}

# Ends alice's client.
offline() { pppoe-client stop my-isp > /dev/null 2>&1 || true; }

# Runs a command that goes on until it is interrupted: later if it has not had its answer by then.
brief() {
	for seconds in 0.4 4 20; do
		timeout --preserve-status -s INT "$seconds" "$@"
		case $? in 0 | 124 | 130) return 0 ;; esac
	done
	return 1
}

# Runs a script of standard input where the server is.
at_server() { ip netns exec isp bash -eo pipefail; }

# Starts a server, and ends it.
fresh() {
	ip netns exec spare unshare --mount bash -ec '
		mount -t tmpfs none /run
		mount -t tmpfs none /var/lib
		echo noauth > /run/options
		case "$*" in *--config*) ;; *) set -- "$@" -O /run/options ;; esac
		"$@" -X /run/server.pid
		kill "$(cat /run/server.pid)"
		while [ -e /run/server.pid ]; do sleep 0.01; done' fresh "$@"
}

# Checks a line of an account.
account() {
	mkdir -p /run/accounts
	(umask 77; printf '%s\n' "$1" > /run/accounts/chap-secrets)
	sed 's/"shared"/"per-session"/' /etc/upppoe/server.toml > /run/accounts/server.toml
	printf '[authentication]\nchap-secrets = "/run/accounts/chap-secrets"\n' >> /run/accounts/server.toml
	pppoe-server check /run/accounts/server.toml
}

# Checks that a program of ours has a flag.
flag() {
	for program in client server discovery; do
		"pppoe-$program" --man
	done | sed 's/\\-/-/g; s/\\f[A-Z]/ /g' | grep -E -- "(^|[^a-zA-Z0-9-])$1([^a-z0-9-]|$)" > /dev/null
}

# Dials with the load generator, one session.
load() { pppoe-client load "$@" -I eth0 -n 1 -q; }
