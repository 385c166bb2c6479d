package main

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Headings of the table's columns.
const (
	tcp1     = "TCP 1"
	tcp1back = "TCP 1 back"
	tcp4     = "TCP 4"
	tcp4back = "TCP 4 back"
	cost     = "CPU s/Gb"
	udp64    = "UDP 64"
	udp1400  = "UDP 1400"
	flood    = "UDP flood"
	ping50   = "ping p50"
	ping99   = "ping p99"
)

// Columns are in the order of the table.
var (
	allColumns   = []string{tcp1, tcp1back, tcp4, tcp4back, cost, udp64, udp1400, flood, ping50, ping99}
	quickColumns = []string{tcp1, cost, ping50, ping99}
)

// columns returns the selected columns.
func (o options) columns() (all []string) {
	for _, c := range allColumns {
		if o.wantsColumn(c) {
			all = append(all, c)
		}
	}
	return all
}

// wantsColumn reports whether any of the columns is selected.
func (o options) wantsColumn(columns ...string) bool {
	return slices.ContainsFunc(columns, func(c string) bool { return slices.Contains(o.wanted, c) })
}

// streams are the measurements of TCP, with options of iperf3.
var streams = []struct {
	what string
	args []string
}{
	{tcp1, nil},
	{tcp1back, []string{"-R"}},
	{tcp4, []string{"-P", "4"}},
	{tcp4back, []string{"-P", "4", "-R"}},
}

// datagrams are the measurements of UDP, with the octets of payload.
var datagrams = []struct {
	what string
	size int
}{{udp64, 64}, {udp1400, 1400}}

func (n *network) measure(o options) error {
	if o.wantsColumn(ping50, ping99) {
		if err := n.ping(); err != nil {
			return err
		}
	}
	for _, s := range streams {
		if !o.wantsColumn(s.what) && !(s.what == tcp1 && o.wantsColumn(cost)) {
			continue
		}
		if err := n.tcp(s.what, o.length, s.args...); err != nil {
			return err
		}
	}
	if o.wantsColumn(flood) {
		if err := n.flood(); err != nil {
			return err
		}
	}
	for _, d := range datagrams {
		if !o.wantsColumn(d.what) {
			continue
		}
		if err := n.udp(d.what, d.size); err != nil {
			return err
		}
	}
	return nil
}

// settle sends packets in both directions for some time: data path `auto` checks its load of GSO
// packets once a second, and creates the segmentation pair under load.
func (n *network) settle() error {
	_, err := n.iperf(3*time.Second, "--bidir")
	return err
}

func (n *network) add(what string, v float64) { n.results[what] = append(n.results[what], v) }

// report is the part of iperf3's report that is used.
type report struct {
	Error string
	End   struct {
		Received struct {
			Rate float64 `json:"bits_per_second"`
		} `json:"sum_received"`
		Sum struct {
			Packets float64
			Lost    float64 `json:"lost_packets"`
			Seconds float64
		}
	}
	cpuSeconds float64 // CPU-seconds
}

// iperf runs a client, and again if the server is still busy with the previous one.
func (n *network) iperf(length time.Duration, args ...string) (r report, err error) {
	for range 10 {
		if r, err = n.iperfOnce(length, args...); r.Error == "" || !strings.Contains(r.Error, "busy") {
			break
		}
		time.Sleep(time.Second / 2)
	}
	return r, err
}

// iperfOnce runs a client with a congestion control that sends what the window allows: BBR would
// measure its own pacing.
func (n *network) iperfOnce(length time.Duration, args ...string) (r report, err error) {
	cmd := exec.Command("iperf3", append([]string{"-c", n.target, "-J", "-C", "cubic", "-t", fmt.Sprint(length.Seconds())}, args...)...)
	before := n.cpuSeconds()
	var out []byte
	err = n.hosts[0].Do(func() (err error) {
		out, err = cmd.Output()
		return err
	})
	if jsonErr := json.Unmarshal(out, &r); jsonErr != nil {
		return r, fmt.Errorf("iperf3: %w: %s", err, out)
	}
	if r.Error != "" {
		return r, fmt.Errorf("iperf3: %s", r.Error)
	}
	r.cpuSeconds = n.cpuSeconds() - before + (cmd.ProcessState.SystemTime() + cmd.ProcessState.UserTime()).Seconds()
	return r, nil
}

// cpuSeconds returns the CPU time, in seconds, of a network's programs and of all ksoftirqd
// threads. Other processes are not included.
func (n *network) cpuSeconds() (seconds float64) {
	for _, cmd := range n.running {
		seconds += processTime(strconv.Itoa(cmd.Process.Pid))
	}
	threads, _ := filepath.Glob("/proc/[0-9]*/comm")
	for _, comm := range threads {
		if name, _ := os.ReadFile(comm); strings.HasPrefix(string(name), "ksoftirqd/") {
			seconds += processTime(filepath.Base(filepath.Dir(comm)))
		}
	}
	return seconds
}

// processTime returns the CPU time of a process in seconds. The fields are counted after its name,
// which may contain any character (proc(5)); they are in hundredths of seconds.
func processTime(pid string) float64 {
	b, _ := os.ReadFile("/proc/" + pid + "/stat")
	f := strings.Fields(string(b[strings.LastIndexByte(string(b), ')')+1:]))
	if len(f) < 13 {
		return 0
	}
	user, _ := strconv.ParseFloat(f[11], 64)
	system, _ := strconv.ParseFloat(f[12], 64)
	return (user + system) / 100
}

// rampUp is the time, in seconds, that TCP gets to open its window before the measurement.
const rampUp = 0.5

// tcp measures in Gbit/s.
func (n *network) tcp(what string, length time.Duration, args ...string) error {
	r, err := n.iperf(length, append([]string{"-O", fmt.Sprint(rampUp)}, args...)...)
	if err != nil {
		return err
	}
	n.add(what, r.End.Received.Rate/1e9)
	if what == tcp1 {
		// The CPU time includes the ramp-up.
		gigabits := r.End.Received.Rate / 1e9 * (length.Seconds() + rampUp)
		n.add(cost, r.cpuSeconds/gigabits)
	}
	return nil
}

// lossless is the accepted share of lost datagrams.
const lossless = 0.001

// udp finds the highest rate, in thousands of datagrams a second, with almost no loss: it doubles
// the rate until datagrams are lost, and then bisects.
func (n *network) udp(what string, size int) error {
	var good, bad float64 = 0, 1600
	for rate, steps := 50.0, 0; steps < 6 && rate < bad; steps++ {
		arrived, err := n.losslessRate(size, rate)
		if err != nil {
			return err
		}
		if arrived > 0 {
			good = arrived
		} else {
			bad = rate
		}
		if bad < 1600 {
			rate = (good + bad) / 2
		} else {
			rate *= 2
		}
	}
	n.add(what, good)
	return nil
}

// losslessRate returns the rate at which datagrams were sent, or 0 if too many were lost.
func (n *network) losslessRate(size int, rate float64) (float64, error) {
	r, err := n.iperf(time.Second, "-u", "-w", "4M", "-l", fmt.Sprint(size), "-b", fmt.Sprint(int(rate*1000)*size*8))
	if err != nil {
		return 0, err
	}
	s := r.End.Sum
	sent := s.Packets / s.Seconds / 1000
	if s.Packets == 0 || s.Lost/s.Packets > lossless || sent < rate*0.9 {
		return 0, nil
	}
	return sent, nil
}

// flood measures how many datagrams of 1400 octets arrive, in thousands a second, when as many as
// possible are sent. On a single CPU this is more meaningful than udp.
func (n *network) flood() error {
	r, err := n.iperf(time.Second, "-u", "-w", "4M", "-l", "1400", "-b", "0")
	if err != nil {
		return err
	}
	s := r.End.Sum
	n.add(flood, (s.Packets-s.Lost)/s.Seconds/1000)
	return nil
}

var roundTrip = regexp.MustCompile(`time=([0-9.]+) ms`)

// ping measures round trips in microseconds, one every two milliseconds.
func (n *network) ping() error {
	out, err := n.hosts[0].Run("ping", "-c", "500", "-i", "0.002", n.target)
	if err != nil {
		return fmt.Errorf("ping: %w: %s", err, out)
	}
	var all []float64
	for _, m := range roundTrip.FindAllStringSubmatch(out, -1) {
		ms, _ := strconv.ParseFloat(m[1], 64)
		all = append(all, ms*1000)
	}
	if len(all) < 400 {
		return fmt.Errorf("ping: %d of 500 were answered", len(all))
	}
	slices.Sort(all)
	n.add(ping50, all[len(all)/2])
	n.add(ping99, all[len(all)*99/100])
	return nil
}
