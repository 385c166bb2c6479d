package main

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"os"
	"os/signal"

	"github.com/mdlayher/packet"
	"github.com/songgao/water"
	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"

	"upppoe/internal/host/netconfig"
	"upppoe/ipcp"
	"upppoe/ppp/session"
	"upppoe/pppoe"
	"upppoe/pppoe/afpacket"
	"upppoe/pppoe/datapath"
	"upppoe/pppoe/discovery"
	"upppoe/pppoe/linux"
	"upppoe/pppoe/wire"
	"upppoe/test/bench/datapath/xsk"
)

// roles are what the command runs when it starts itself in a namespace.
var roles = map[string]func(args []string) error{
	"one-packet":          onePacket,
	"concentrator":        func(args []string) error { return concentrator(args, attachment.withDevice) },
	"concentrator-shared": func(args []string) error { return concentrator(args, attachment.withSharedDevice) },
	"host":                host,
	"pppd":                pppd,
}

func addr(s string) netip.Addr { return netip.MustParseAddr(s) }

// attachment is eth0 and its data path.
type attachment struct {
	path   datapath.Kind
	xsk    bool // session frames go through AF_XDP
	opener *linux.Opener
	log    *slog.Logger
}

// newAttachment accepts a data path; "af-xdp", which is the offload data path with another port; or
// "offload-queues", which is that with several queues.
func newAttachment(how string) (l attachment, err error) {
	l.log = slog.New(slog.NewTextHandler(os.Stderr, nil))
	l.path = datapath.KindGSO
	queues := 1
	switch how {
	case "af-xdp":
		l.xsk = true
	case "offload-queues":
		queues = 4
	default:
		l.path, err = datapath.ParseKind(how)
	}
	l.opener = &linux.Opener{DataPath: l.path, Queues: queues, MaxSessions: 1, Log: l.log}
	return l, err
}

// network configures the host.
func (l attachment) network() *netconfig.Configurer {
	return &netconfig.Configurer{Log: l.log, DataPath: l.path, Queues: l.opener.Queues}
}

func (l attachment) open() (ports pppoe.Ports, err error) {
	eth := afpacket.Attachment{Interface: "eth0"}
	if !l.xsk {
		return l.opener.Open(eth)
	}
	if ports.Discovery, err = afpacket.Open(eth, wire.EtherTypeDiscovery); err != nil {
		return ports, err
	}
	session, err := xsk.Open(eth.Interface)
	if err != nil {
		ports.Discovery.Close()
		return ports, err
	}
	l.log.Info(session.Describe())
	ports.Session = session
	return ports, nil
}

// concentrator runs our server with one session, whose device configure adds.
func concentrator(args []string, configure func(attachment, *pppoe.ServerConfig) (close func() error, err error)) error {
	l, err := newAttachment(args[0])
	if err != nil {
		return err
	}
	defer l.opener.Close()
	ports, err := l.open()
	if err != nil {
		return err
	}
	cfg := pppoe.ServerConfig{
		Concentrator: discovery.ConcentratorConfig{ACName: "bench"},
		Session:      session.Config{IPv4: &ipcp.Config{Local: addr(args[1])}},
		Pool:         pppoe.Pool{Max: 1, First: addr(args[2])},
		DataPath:     l.path,
	}
	closeDevice, err := configure(l, &cfg)
	if err != nil {
		return err
	}
	defer closeDevice()
	server, err := pppoe.NewServer(cfg, []pppoe.Listener{{Interface: "eth0", Ports: ports}})
	if err != nil {
		return err
	}
	fmt.Println("ready")
	return server.Run(untilTerm())
}

// withDevice gives the session a device of its own, which ends with it.
func (l attachment) withDevice(cfg *pppoe.ServerConfig) (close func() error, err error) {
	cfg.Network = l.network()
	return func() error { return nil }, nil
}

// withSharedDevice serves the session on a shared device. Its client may have a host behind it.
func (l attachment) withSharedDevice(cfg *pppoe.ServerConfig) (close func() error, err error) {
	device, err := linux.NewSharedNetwork(linux.SharedNetworkConfig{
		DataPath: l.path, IPv4: cfg.Session.IPv4.Local, NoIPv6: true, Pools: linux.PoolPrefixes(cfg.Pool), Log: l.log,
	})
	if err != nil {
		return nil, err
	}
	policy := &pppoe.SessionPolicy{FramedRoutes: []netip.Prefix{netip.MustParsePrefix(behind[1].network)}}
	cfg.Shared = device.ServerConfig()
	cfg.Policy = func(pppoe.SessionInfo) *pppoe.SessionPolicy { return policy }
	return device.Close, nil
}

// host runs our client.
func host(args []string) error {
	l, err := newAttachment(args[0])
	if err != nil {
		return err
	}
	defer l.opener.Close()
	client, err := pppoe.NewClient(pppoe.ClientConfig{
		Interface: "eth0",
		OpenPorts: l.open,
		Session:   session.Config{IPv4: &ipcp.Config{AcceptLocal: true, AcceptRemote: true}},
		DataPath:  l.path,
		Network:   l.network(),
		Notify: func(_ pppoe.SessionInfo, e pppoe.Event) {
			if _, ok := e.(pppoe.Configured); ok {
				fmt.Println("ready")
			}
		},
	})
	if err != nil {
		return err
	}
	err = client.Run(untilTerm())
	end := (*pppoe.EndError)(nil)
	if errors.As(err, &end) && end.Reason.Cause == session.CauseUserRequest {
		return nil
	}
	return err
}

func untilTerm() context.Context {
	ctx, _ := signal.NotifyContext(context.Background(), unix.SIGTERM, unix.SIGINT)
	return ctx
}

// onePacket is the usual design of such programs: one read and one write for each packet, no
// offload. It speaks no protocol: the session is fixed.
func onePacket(args []string) error {
	own, peer, remote := args[0], args[1], mac(args[2])
	device, err := water.New(water.Config{DeviceType: water.TUN, PlatformSpecificParams: water.PlatformSpecificParams{Name: "tun0"}})
	if err != nil {
		return err
	}
	eth, err := net.InterfaceByName("eth0")
	if err != nil {
		return err
	}
	conn, err := packet.Listen(eth, packet.Raw, wire.EtherTypeSession, nil)
	if err != nil {
		return err
	}
	if err := configureTUN("tun0", own, peer); err != nil {
		return err
	}
	failed := make(chan error)
	// These end with the program.
	go func() { failed <- toWire(device, conn, eth.HardwareAddr, remote) }()
	go func() { failed <- fromWire(device, conn) }()
	fmt.Println("ready")
	select {
	case err = <-failed:
	case <-untilTerm().Done():
	}
	return err
}

func configureTUN(name, own, peer string) error {
	link, err := netlink.LinkByName(name)
	if err != nil {
		return err
	}
	local, _ := netlink.ParseAddr(own + "/32")
	local.Peer, _ = netlink.ParseIPNet(peer + "/32")
	return errors.Join(netlink.LinkSetMTU(link, 1492), netlink.AddrAdd(link, local), netlink.LinkSetUp(link))
}

func toWire(device *water.Interface, conn *packet.Conn, own, remote net.HardwareAddr) error {
	buf := make([]byte, datapath.HeadersLen+1500)
	copy(buf, remote)
	copy(buf[6:], own)
	copy(buf[12:], []byte{0x88, 0x64, 0x11, 0, 0, 1, 0, 0, 0, 0x21})
	to := &packet.Addr{HardwareAddr: remote}
	for {
		n, err := device.Read(buf[datapath.HeadersLen:])
		if err != nil {
			return err
		}
		binary.BigEndian.PutUint16(buf[18:], uint16(n+2))
		conn.WriteTo(buf[:datapath.HeadersLen+n], to)
	}
}

func fromWire(device *water.Interface, conn *packet.Conn) error {
	buf := make([]byte, datapath.HeadersLen+1500)
	for {
		n, _, err := conn.ReadFrom(buf)
		if err != nil {
			return err
		}
		if n > datapath.HeadersLen {
			device.Write(buf[datapath.HeadersLen : 20+int(binary.BigEndian.Uint16(buf[18:]))])
		}
	}
}
