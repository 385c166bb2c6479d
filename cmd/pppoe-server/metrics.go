package main

import (
	"fmt"
	"os"

	"github.com/prometheus/client_golang/prometheus"

	"upppoe/internal/mgmt/metrics"
)

// serveMetrics serves the numbers of a server, if the configuration has an address for them and they are not served
// yet: a machine of a cluster serves them also while it is standby.
func (p *program) serveMetrics(source metrics.Source) (err error) {
	inherited := takeFile(p.inherited, fileMetrics)
	switch {
	case p.metrics != nil:
		return nil
	case p.config.Metrics.Listen == "":
		if inherited != nil {
			inherited.Close()
		}
		return nil
	}
	c := p.config.Metrics
	c.Inherited = inherited
	if p.metrics, err = metrics.Listen(c, source, p.collectors()...); err != nil {
		return fmt.Errorf("metrics.listen: %w", err)
	}
	p.onClose(p.leaveMetrics)
	p.log.Info(fmt.Sprintf("Serving metrics on http://%v/metrics", p.metrics.Addr()))
	return nil
}

// collectors returns what collects the numbers of all but the server.
func (p *program) collectors() (all []prometheus.Collector) {
	if p.radius != nil {
		all = append(all, radiusCollector{p.radius, &p.current})
	}
	if p.state.store() != nil {
		all = append(all, metrics.Store{Stats: p.state.logStats})
	}
	if p.cluster != nil {
		all = append(all, p.cluster.metrics())
	}
	if p.allActive != nil {
		all = append(all, metrics.AllActive{Status: p.allActive.member.Status})
	}
	return all
}

// radiusCollector is a prometheus.Collector of the numbers of RADIUS, once the server runs.
type radiusCollector struct {
	service *radiusService
	current *currentServer
}

func (c radiusCollector) Describe(to chan<- *prometheus.Desc) { metrics.RADIUS{}.Describe(to) }

func (c radiusCollector) Collect(to chan<- prometheus.Metric) {
	if c.current.is.Load() != nil {
		c.service.metrics().Collect(to)
	}
}

// metricsListener returns another descriptor of the socket of the metrics; nil: there is none.
func (p *program) metricsListener() (*os.File, error) {
	if p.metrics == nil {
		return nil, nil
	}
	return p.metrics.Listener()
}

// leaveMetrics leaves the socket of the metrics to a successor.
func (p *program) leaveMetrics() {
	if p.metrics != nil {
		p.metrics.Close()
	}
}
