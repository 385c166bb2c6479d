// Package metrics exposes the numbers of a server to Prometheus, over HTTP. It reads them from
// the server when it is asked, and keeps none of its own.
//
// Names follow Prometheus's conventions: base units (seconds, bytes), and _total for counters. The
// same packets have the same names as in datapath.Counters: received are from the peers, sent are to
// them.
package metrics

import (
	"iter"
	"strings"
	"sync"

	"github.com/prometheus/client_golang/prometheus"

	"upppoe/internal/version"
	"upppoe/pppoe"
	"upppoe/pppoe/datapath"
)

// Source is what the numbers are read from: a pppoe.Server.
type Source interface {
	Stats() pppoe.Stats
	Sessions() iter.Seq[pppoe.SessionStatus]
	Pools() []pppoe.PoolStats
}

// Collector is a prometheus.Collector of a server's numbers. It may be used concurrently.
type Collector struct {
	source Source

	mu      sync.Mutex
	highest [8]uint64 // traffic as last sent
}

// NewCollector returns a Collector.
func NewCollector(source Source) *Collector { return &Collector{source: source} }

// prefix begins the names of all metrics.
const prefix = "pppoe_server_"

func describe(name, help string, labels ...string) *prometheus.Desc {
	return prometheus.NewDesc(prefix+name, help, labels, nil)
}

var (
	build          = describe("build_info", "1; the version is a label.", "version")
	maxSessions    = describe("max_sessions", "Sessions that there may be at a time (-N).")
	draining       = describe("draining", "1 while the server opens no new sessions (drain), else 0.")
	sessions       = describe("sessions", "Sessions by state: half_open (LCP or authentication), authenticated (no packets yet), online.", "state")
	established    = describe("sessions_established_total", "Sessions that discovery has set up.")
	opened         = describe("sessions_opened_total", "Sessions over which packets could flow.")
	failed         = describe("sessions_failed_total", "Sessions that ended before packets could flow, by cause.", "cause")
	ended          = describe("sessions_ended_total", "Sessions that ended after packets could flow, by cause.", "cause")
	authentication = describe("authentications_total", "Logins of peers by result: accepted or rejected.", "result")
	discoveryCount = describe("discovery_packets_total", "Discovery packets by direction (received or sent) and code.", "direction", "code")
	frameDrops     = describe("dropped_frames_total", "Control and discovery frames that were dropped, by layer and reason.", "layer", "reason")
	queued         = describe("queue_frames", "Frames that wait for the loop of an interface, by queue: discovery or control.", "interface", "queue")
	queueCapacity  = describe("queue_capacity_frames", "Frames that may wait in each queue of an interface.", "interface")
	packets        = describe("packets_total", "IP packets of all sessions by direction: received from the peers, or sent to them.", "direction")
	octets         = describe("bytes_total", "Octets of IP packets of all sessions by direction.", "direction")
	poolAddresses  = describe("pool_addresses", "Addresses of the IPv4 pools by state: used, free, reserved (free, but an account has them for its own).", "pool", "state")
	poolRefused    = describe("pool_refused_total", "Logins and sessions that were refused because the pool was exhausted.", "pool")
	packetDrops    = describe("dropped_packets_total", "IP packets of all sessions that were dropped, by reason: rate (policer), source (anti-spoofing), isolated, other.", "reason")
)

// Describe sends the descriptions of all metrics.
func (c *Collector) Describe(to chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{
		build, maxSessions, draining, sessions, established, opened, failed, ended, authentication, discoveryCount, frameDrops,
		queued, queueCapacity, packets, octets, packetDrops, poolAddresses, poolRefused,
	} {
		to <- d
	}
}

// Collect reads the numbers.
func (c *Collector) Collect(to chan<- prometheus.Metric) {
	m := metricSink{to}
	s := c.source.Stats()
	m.gauge(build, 1, version.String())
	m.gauge(maxSessions, float64(s.MaxSessions))
	m.gauge(draining, boolean(s.Draining))
	m.sessions(&s)
	m.discovery("received", s.Received)
	m.discovery("sent", s.Sent)
	for reason, n := range s.Drops {
		layer, text := layerOf(reason)
		m.counter(frameDrops, n, layer, text)
	}
	for _, q := range s.Queues {
		m.gauge(queued, float64(q.Discovery), q.Interface, "discovery")
		m.gauge(queued, float64(q.Control), q.Interface, "control")
		m.gauge(queueCapacity, float64(q.Capacity), q.Interface)
	}
	for _, p := range c.source.Pools() {
		m.gauge(poolAddresses, float64(p.Used), p.Name, "used")
		m.gauge(poolAddresses, float64(p.Free-p.Reserved), p.Name, "free")
		m.gauge(poolAddresses, float64(p.Reserved), p.Name, "reserved")
		m.counter(poolRefused, p.Refused, p.Name)
	}
	c.traffic(m, c.total(s.EndedTraffic))
}

// total returns the traffic of all sessions: of those that have ended, and of those that there are.
func (c *Collector) total(past datapath.Counters) datapath.Counters {
	for s := range c.source.Sessions() {
		past = past.Plus(s.Counters)
	}
	return past
}

// traffic sends the traffic of all sessions. A session that ends while they are read may be missing
// or be counted twice; no number decreases, because a decrease is a restart to Prometheus.
func (c *Collector) traffic(m metricSink, t datapath.Counters) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for i, row := range [len(c.highest)]struct {
		desc  *prometheus.Desc
		label string
		value uint64
	}{
		{packets, "received", t.ReceivedPackets},
		{packets, "sent", t.SentPackets},
		{octets, "received", t.ReceivedBytes},
		{octets, "sent", t.SentBytes},
		{packetDrops, "rate", t.Exceeded},
		{packetDrops, "source", t.Spoofed},
		{packetDrops, "isolated", t.Isolated},
		{packetDrops, "other", t.Dropped - min(t.Dropped, t.Exceeded+t.Spoofed+t.Isolated)},
	} {
		c.highest[i] = max(c.highest[i], row.value)
		m.counter(row.desc, c.highest[i], row.label)
	}
}

// metricSink sends metrics to Prometheus.
type metricSink struct{ to chan<- prometheus.Metric }

func (m metricSink) gauge(d *prometheus.Desc, value float64, labels ...string) {
	m.to <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, value, labels...)
}

func (m metricSink) counter(d *prometheus.Desc, value uint64, labels ...string) {
	m.to <- prometheus.MustNewConstMetric(d, prometheus.CounterValue, float64(value), labels...)
}

func (m metricSink) sessions(s *pppoe.Stats) {
	online := min(s.Online, s.Sessions-s.HalfOpen) // read one after another
	m.gauge(sessions, float64(s.HalfOpen), "half_open")
	m.gauge(sessions, float64(s.Sessions-s.HalfOpen-online), "authenticated")
	m.gauge(sessions, float64(online), "online")
	m.counter(established, s.Established)
	m.counter(opened, s.Opened)
	for cause, n := range s.Failed {
		m.counter(failed, n, cause.String())
	}
	for cause, n := range s.Ended {
		m.counter(ended, n, cause.String())
	}
	m.counter(authentication, s.Accepted, "accepted")
	m.counter(authentication, s.Rejected, "rejected")
}

func (m metricSink) discovery(direction string, n pppoe.DiscoveryCounts) {
	for code, n := range map[string]uint64{"PADI": n.PADI, "PADO": n.PADO, "PADR": n.PADR, "PADS": n.PADS, "PADT": n.PADT} {
		m.counter(discoveryCount, n, direction, code)
	}
}

func boolean(is bool) float64 {
	if is {
		return 1
	}
	return 0
}

// layerOf divides the text of a reason to drop a frame: sentinels begin with the name of their
// package, which is a layer.
func layerOf(reason error) (layer, text string) {
	layer, text, found := strings.Cut(reason.Error(), ": ")
	if !found || strings.Contains(layer, " ") {
		return "server", reason.Error()
	}
	return layer, text
}
