package metrics

import (
	"bufio"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"

	"upppoe/pppoe"
	"upppoe/pppoe/datapath"
)

// The metrics of single sessions are written as text (Prometheus's exposition format, version 0.0.4) from
// one compact row for each session: a registry would hold ten times the memory.

// sessionRow is a session in the answer.
type sessionRow struct {
	labels    string // with their names
	counters  datapath.Counters
	uptime    time.Duration // 0: it has carried no packets
	roundTrip time.Duration // 0: not measured
}

// sessionMetric is a metric of each session.
type sessionMetric struct {
	name, kind, help string
	// samples appends the values of a row, each with further labels.
	samples func(row *sessionRow, sample func(labels string, value float64))
}

const received, sent = `direction="received"`, `direction="sent"`

var sessionMetrics = []sessionMetric{
	{"bytes_total", "counter", "Octets of a session's IP packets by direction.", func(row *sessionRow, sample func(string, float64)) {
		sample(received, float64(row.counters.ReceivedBytes))
		sample(sent, float64(row.counters.SentBytes))
	}},
	{"packets_total", "counter", "IP packets of a session by direction.", func(row *sessionRow, sample func(string, float64)) {
		sample(received, float64(row.counters.ReceivedPackets))
		sample(sent, float64(row.counters.SentPackets))
	}},
	{"dropped_packets_total", "counter", "IP packets of a session that were dropped.", func(row *sessionRow, sample func(string, float64)) {
		sample("", float64(row.counters.Dropped))
	}},
	{"uptime_seconds", "gauge", "Time since packets first flowed.", func(row *sessionRow, sample func(string, float64)) {
		if row.uptime > 0 {
			sample("", row.uptime.Seconds())
		}
	}},
	{"echo_round_trip_seconds", "gauge", "Round-trip time of the last LCP echo, if there was one.", func(row *sessionRow, sample func(string, float64)) {
		if row.roundTrip > 0 {
			sample("", row.roundTrip.Seconds())
		}
	}},
}

// serveSessions answers with the traffic of the sessions that the query selects.
func serveSessions(w http.ResponseWriter, r *http.Request, source Source) {
	selected, err := parseSelection(r.URL.Query())
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	var rows []sessionRow
	for s := range source.Sessions() {
		if selected.includes(&s) {
			rows = append(rows, rowOf(&s))
		}
	}
	w.Header().Set("Content-Type", "text/plain; version=0.0.4; charset=utf-8")
	writeRows(w, rows)
}

// writeRows writes the metrics of sessions. An error of the client's connection ends it.
func writeRows(w io.Writer, rows []sessionRow) error {
	out := bufio.NewWriter(w)
	for _, m := range sessionMetrics {
		name := prefix + "session_" + m.name
		fmt.Fprintf(out, "# HELP %s %s\n# TYPE %s %s\n", name, m.help, name, m.kind)
		for i := range rows {
			m.samples(&rows[i], func(labels string, value float64) {
				out.WriteString(name + "{" + rows[i].labels)
				if labels != "" {
					out.WriteString("," + labels)
				}
				out.WriteString("} ")
				out.Write(strconv.AppendFloat(out.AvailableBuffer(), value, 'g', -1, 64))
				out.WriteByte('\n')
			})
		}
	}
	return out.Flush()
}

func rowOf(s *pppoe.SessionStatus) sessionRow {
	row := sessionRow{labels: labelsOf(s), counters: s.Counters, roundTrip: s.RoundTrip}
	if !s.Opened.IsZero() {
		row.uptime = time.Since(s.Opened)
	}
	return row
}

// labelsOf returns what identifies a session. Text that a peer has chosen is escaped.
func labelsOf(s *pppoe.SessionStatus) string {
	ip, circuit := "", ""
	if s.IPv4.Remote.IsValid() {
		ip = s.IPv4.Remote.String()
	}
	if s.AccessLine != nil {
		circuit = s.AccessLine.CircuitID
	}
	return fmt.Sprintf(`user="%s",mac="%v",ip="%s",interface="%s",session_id="%d",circuit_id="%s"`,
		escapeLabel(s.User), s.Peer, ip, escapeLabel(s.Interface), s.SessionID, escapeLabel(circuit))
}

// labelEscapes are the characters with another form in the value of a label.
var labelEscapes = strings.NewReplacer(`\`, `\\`, `"`, `\"`, "\n", `\n`)

func escapeLabel(text string) string {
	return labelEscapes.Replace(strings.ToValidUTF8(text, "\uFFFD"))
}
