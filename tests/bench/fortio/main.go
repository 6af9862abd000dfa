// Command fortio is the yardstick for Wavetank's load generator: a plain HTTP target, and Fortio's load on it.
//
//	fortio serve                              prints the address of a target, and serves until it is killed
//	fortio load URL RATE SECONDS CONNECTIONS  prints what Fortio measured as one JSON object, in milliseconds
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"sort"
	"strconv"
	"sync"
	"time"

	"fortio.org/fortio/fhttp"
	"fortio.org/fortio/periodic"
	"fortio.org/log"
)

func main() {
	if len(os.Args) == 2 && os.Args[1] == "serve" {
		check(serve())
		return
	}
	if len(os.Args) != 6 || os.Args[1] != "load" {
		check(fmt.Errorf("usage: fortio serve | fortio load URL RATE SECONDS CONNECTIONS"))
	}
	rate, err := strconv.ParseFloat(os.Args[3], 64)
	check(err)
	seconds, err := strconv.Atoi(os.Args[4])
	check(err)
	connections, err := strconv.Atoi(os.Args[5])
	check(err)
	check(load(os.Args[2], rate, time.Duration(seconds)*time.Second, connections))
}

func check(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func serve() error {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	fmt.Println(listener.Addr())
	return http.Serve(listener, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, "{\"sailings\": []}\n")
	}))
}

// schedule is told of every request by Fortio, and knows when each was due.
type schedule struct {
	sync.Mutex
	spacing  time.Duration // between two requests of one connection
	first    map[periodic.ThreadID]time.Time
	lateness []float64 // from due to sent, in milliseconds
	latency  []float64 // from due to answered
}

func (s *schedule) Start(ctx context.Context, _ periodic.ThreadID, _ int64, _ time.Time) context.Context {
	return ctx
}

func (s *schedule) Report(_ context.Context, id periodic.ThreadID, i int64, sent time.Time, took float64, _ bool, _ string) {
	s.Lock()
	defer s.Unlock()
	if i == 0 {
		s.first[id] = sent
	}
	late := sent.Sub(s.first[id].Add(time.Duration(i) * s.spacing)).Seconds()
	s.lateness = append(s.lateness, late*1e3)
	s.latency = append(s.latency, (late+took)*1e3)
}

func (s *schedule) Info() string { return "schedule" }

func load(url string, rate float64, duration time.Duration, connections int) error {
	log.SetLogLevelQuiet(log.Error)
	each := int64(rate*duration.Seconds()) / int64(connections)
	// With a duration, Fortio spreads n requests of a connection over n-1 intervals; see runOne in its package periodic.
	told := &schedule{
		spacing: time.Duration(float64(duration) / float64(each) * (1 + 1/float64(each-1))),
		first:   make(map[periodic.ThreadID]time.Time),
	}
	options := fhttp.HTTPRunnerOptions{
		RunnerOptions: periodic.RunnerOptions{
			QPS: rate, Duration: duration, NumThreads: connections, Uniform: true, AccessLogger: told, Out: io.Discard,
		},
		HTTPOptions: fhttp.HTTPOptions{URL: url},
	}
	result, err := fhttp.RunHTTPTest(&options)
	if err != nil {
		return err
	}
	return json.NewEncoder(os.Stdout).Encode(map[string]any{
		"sent":              len(told.lateness),
		"failed":            int64(len(told.lateness)) - result.RetCodes[http.StatusOK],
		"schedule_error_ms": percentiles(told.lateness),
		"latency_ms":        percentiles(told.latency),
	})
}

func percentiles(values []float64) map[string]float64 {
	sort.Float64s(values)
	at := func(share float64) float64 { return values[int(share*float64(len(values)-1))] }
	return map[string]float64{"p50": at(.50), "p95": at(.95), "p99": at(.99), "max": at(1)}
}
