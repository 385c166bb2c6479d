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

// What is measured: the headings of the table.
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

// columns are those that are wanted.
func (o options) columns() (all []string) {
	for _, c := range allColumns {
		if o.wantsColumn(c) {
			all = append(all, c)
		}
	}
	return all
}

// wantsColumn reports whether one of some columns is wanted.
func (o options) wantsColumn(columns ...string) bool {
	return slices.ContainsFunc(columns, func(c string) bool { return slices.Contains(o.wanted, c) })
}

// streams are what is measured of TCP, with iperf3's options.
var streams = []struct {
	what string
	args []string
}{
	{tcp1, nil},
	{tcp1back, []string{"-R"}},
	{tcp4, []string{"-P", "4"}},
	{tcp4back, []string{"-P", "4", "-R"}},
}

// datagrams are what is measured of UDP, with the payload's octets.
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

// settle has packets flow both ways for some time: each second our data path `auto` looks
// whether so many are to be cut that they are better cut in the kernel, and then stays with it.
func (n *network) settle() error {
	_, err := n.iperf(3*time.Second, "--bidir")
	return err
}

func (n *network) add(what string, v float64) { n.results[what] = append(n.results[what], v) }

// iperf's report, as far as it is of use.
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
	cpuSeconds float64 // seconds of processors
}

// iperf runs a client. A server that is not yet through with the one before has that asked
// again.
func (n *network) iperf(length time.Duration, args ...string) (r report, err error) {
	for range 10 {
		if r, err = n.iperfOnce(length, args...); r.Error == "" || !strings.Contains(r.Error, "busy") {
			break
		}
		time.Sleep(time.Second / 2)
	}
	return r, err
}

// iperfOnce has TCP use a congestion control that sends what the window allows: BBR would
// measure its own pacing.
func (n *network) iperfOnce(length time.Duration, args ...string) (r report, err error) {
	cmd := exec.Command("iperf3", append([]string{"-c", there, "-J", "-C", "cubic", "-t", fmt.Sprint(length.Seconds())}, args...)...)
	before := n.cpuSeconds()
	var out []byte
	err = n.ends[0].Do(func() (err error) {
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

// cpuSeconds is the time, in seconds, that processors have worked for a network: its programs,
// and the kernel's threads for packets. What else the machine does is not in it.
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

// processTime is what a process has worked, in seconds. The fields are counted from behind
// its name, which may hold anything (proc(5)); they are in hundredths.
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

// rampUp is the time, in seconds, that TCP has to find its window.
const rampUp = 0.5

// tcp measures in Gbit/s.
func (n *network) tcp(what string, length time.Duration, args ...string) error {
	r, err := n.iperf(length, append([]string{"-O", fmt.Sprint(rampUp)}, args...)...)
	if err != nil {
		return err
	}
	n.add(what, r.End.Received.Rate/1e9)
	if what == tcp1 {
		// The time left out at the beginning was worked too.
		gigabits := r.End.Received.Rate / 1e9 * (length.Seconds() + rampUp)
		n.add(cost, r.cpuSeconds/gigabits)
	}
	return nil
}

// lossless is the share of datagrams that may be lost.
const lossless = 0.001

// udp finds, in thousands of datagrams a second, how many arrive if next to none may be
// lost: it doubles the rate until some are, and then halves the interval.
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

// flood measures how many datagrams of 1400 octets arrive, in thousands a second, if as many
// are sent as can be, and lost. Of a single processor it tells more than udp does.
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

// ping measures round trips, one every two milliseconds, in microseconds.
func (n *network) ping() error {
	out, err := n.ends[0].Run("ping", "-c", "500", "-i", "0.002", there)
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
