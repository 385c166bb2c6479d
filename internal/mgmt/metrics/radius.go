package metrics

import (
	"strings"

	"github.com/prometheus/client_golang/prometheus"

	"upppoe/internal/aaa/accounting"
	"upppoe/internal/aaa/coa"
	"upppoe/internal/aaa/radius"
)

// RADIUS is a prometheus.Collector of the numbers of RADIUS. A nil field: there is none.
type RADIUS struct {
	Auth, Acct *radius.Client
	Accounting *accounting.Accounting
	CoA        *coa.Server
}

var (
	radiusUp          = describe("radius_server_up", "1 while a RADIUS server is not known to be dead, else 0.", "server", "use")
	radiusRequests    = describe("radius_requests_total", "Requests sent to a RADIUS server, without retransmissions.", "server", "use")
	radiusRepeated    = describe("radius_retransmissions_total", "Requests sent to a RADIUS server again.", "server", "use")
	radiusTimeouts    = describe("radius_timeouts_total", "Requests that a RADIUS server did not answer.", "server", "use")
	radiusDrops       = describe("radius_dropped_answers_total", "Answers of a RADIUS server that were dropped, by reason.", "server", "use", "reason")
	radiusLatency     = describe("radius_answer_seconds", "Time from the first transmission of a request to its answer.", "server", "use")
	radiusOutstanding = describe("radius_outstanding_requests", "Requests that wait for an answer.", "use")
	radiusQueued      = describe("radius_queued_requests", "Requests that wait to be sent.", "use")
	radiusBusy        = describe("radius_refused_requests_total", "Requests that found the queue full.", "use")

	acctRecords = describe("accounting_waiting_records", "Records of accounting that wait, by place: memory, spool (on disk) or sent (without an answer yet).", "place")
	acctSent    = describe("accounting_records_total", "Records of accounting that were answered.")
	acctDropped = describe("accounting_dropped_records_total", "Records of accounting that were dropped, as there was no room or the disk failed, by kind: start, interim or stop.", "kind")
	acctErrors  = describe("accounting_spool_errors_total", "Errors of the spool's file.")

	coaRequests = describe("coa_requests_total", "CoA-Requests and Disconnect-Requests by result: acknowledged or refused.", "result")
	coaDrops    = describe("coa_dropped_requests_total", "Requests that were dropped, by reason.", "reason")
)

// Describe sends the descriptions of all metrics.
func (r RADIUS) Describe(to chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{
		radiusUp, radiusRequests, radiusRepeated, radiusTimeouts, radiusDrops, radiusLatency, radiusOutstanding, radiusQueued, radiusBusy,
		acctRecords, acctSent, acctDropped, acctErrors, coaRequests, coaDrops,
	} {
		to <- d
	}
}

// Collect reads the numbers.
func (r RADIUS) Collect(to chan<- prometheus.Metric) {
	m := metricSink{to}
	if r.Auth != nil {
		m.radiusClient(r.Auth.Stats(), "auth")
	}
	if r.Acct != nil {
		m.radiusClient(r.Acct.Stats(), "acct")
	}
	if r.Accounting != nil {
		m.accounting(r.Accounting.Stats())
	}
	if r.CoA != nil {
		m.coa(r.CoA.Stats())
	}
}

func (m metricSink) radiusClient(s radius.Stats, use string) {
	m.gauge(radiusOutstanding, float64(s.Outstanding), use)
	m.gauge(radiusQueued, float64(s.Queued), use)
	m.counter(radiusBusy, s.Busy, use)
	for i := range s.Servers {
		m.radiusServer(&s.Servers[i], use)
	}
}

func (m metricSink) radiusServer(s *radius.ServerStats, use string) {
	server := s.Addr.String()
	m.gauge(radiusUp, boolean(!s.Dead), server, use)
	m.counter(radiusRequests, s.Requests, server, use)
	m.counter(radiusRepeated, s.Retransmitted, server, use)
	m.counter(radiusTimeouts, s.Timeouts, server, use)
	for reason, n := range s.Drops {
		m.counter(radiusDrops, n, server, use, radiusReason(reason))
	}
	buckets, sum := make(map[float64]uint64, len(radius.LatencyBounds)), uint64(0)
	for i, bound := range radius.LatencyBounds {
		sum += s.Latency[i]
		buckets[bound.Seconds()] = sum
	}
	m.to <- prometheus.MustNewConstHistogram(radiusLatency, sum+s.Latency[len(radius.LatencyBounds)], s.LatencySeconds, buckets, server, use)
}

func (m metricSink) accounting(s accounting.Stats) {
	m.gauge(acctRecords, float64(s.Memory), "memory")
	m.gauge(acctRecords, float64(s.Spooled), "spool")
	m.gauge(acctRecords, float64(s.Sending), "sent")
	m.counter(acctSent, s.Sent)
	m.counter(acctDropped, s.DroppedStart, "start")
	m.counter(acctDropped, s.DroppedInterim, "interim")
	m.counter(acctDropped, s.DroppedStop, "stop")
	m.counter(acctErrors, s.SpoolErrors)
}

func (m metricSink) coa(s coa.Stats) {
	m.counter(coaRequests, s.ACKs, "acknowledged")
	m.counter(coaRequests, s.NAKs, "refused")
	for reason, n := range s.Drops {
		m.counter(coaDrops, n, radiusReason(reason))
	}
}

// radiusReason returns the text of a reason without the name of the protocol, which begins it.
func radiusReason(reason error) string {
	_, text, found := strings.Cut(reason.Error(), ": ")
	if !found {
		return reason.Error()
	}
	return text
}
