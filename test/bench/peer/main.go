// Command peer serves what Belay's benchmark asks for with go-control-plane, so that both are measured by one client
// in one run. It takes commands on standard input and answers each on standard output, one JSON object a line, as
// ../xds/server.ts does, and ends when its input does.
package main

import (
	"bufio"
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"log"
	"net"
	"os"
	"strconv"
	"time"

	clusterv3 "github.com/envoyproxy/go-control-plane/envoy/config/cluster/v3"
	corev3 "github.com/envoyproxy/go-control-plane/envoy/config/core/v3"
	endpointv3 "github.com/envoyproxy/go-control-plane/envoy/config/endpoint/v3"
	discoveryv3 "github.com/envoyproxy/go-control-plane/envoy/service/discovery/v3"
	"github.com/envoyproxy/go-control-plane/pkg/cache/types"
	"github.com/envoyproxy/go-control-plane/pkg/cache/v3"
	"github.com/envoyproxy/go-control-plane/pkg/resource/v3"
	"github.com/envoyproxy/go-control-plane/pkg/server/v3"
	"google.golang.org/grpc"
	"google.golang.org/grpc/keepalive"
	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/structpb"
)

// order is one line of standard input.
type order struct {
	Do        string `json:"do"`
	Group     string `json:"group"`
	Clusters  int    `json:"clusters"`
	Endpoints int    `json:"endpoints"`
	Padding   int    `json:"padding"`
	Kind      string `json:"kind"`
	Count     int    `json:"count"`
}

// holder keeps the resources in one of go-control-plane's caches.
type holder interface {
	cache() cache.Cache
	fill(group string, kinds map[resource.Type][]types.Resource) error
	// replace takes new contents for the first resources of a kind.
	replace(group string, kind resource.Type, with []types.Resource) error
}

// whole is a SnapshotCache: one snapshot for the group, set anew with each change.
type whole struct {
	snapshots cache.SnapshotCache
	kinds     map[resource.Type][]types.Resource
	version   int
}

func (w *whole) cache() cache.Cache { return w.snapshots }

func (w *whole) fill(group string, kinds map[resource.Type][]types.Resource) error {
	w.kinds = kinds
	return w.publish(group)
}

func (w *whole) replace(group string, kind resource.Type, with []types.Resource) error {
	next := append([]types.Resource{}, w.kinds[kind]...)
	copy(next, with)
	w.kinds[kind] = next
	return w.publish(group)
}

func (w *whole) publish(group string) error {
	w.version++
	snapshot, err := cache.NewSnapshot(strconv.Itoa(w.version), w.kinds)
	if err != nil {
		return err
	}
	return w.snapshots.SetSnapshot(context.Background(), group, snapshot)
}

// single is a LinearCache for each kind: resources change one by one, and all nodes have the same.
type single struct {
	byKind map[resource.Type]*cache.LinearCache
}

func (s *single) cache() cache.Cache {
	caches := map[string]cache.Cache{}
	for kind, one := range s.byKind {
		caches[kind] = one
	}
	return &cache.MuxCache{
		Classify:      func(r *cache.Request) string { return r.GetTypeUrl() },
		ClassifyDelta: func(r *cache.DeltaRequest) string { return r.GetTypeUrl() },
		Caches:        caches,
	}
}

func (s *single) fill(_ string, kinds map[resource.Type][]types.Resource) error {
	for kind, all := range kinds {
		s.byKind[kind].SetResources(byName(all))
	}
	return nil
}

func (s *single) replace(_ string, kind resource.Type, with []types.Resource) error {
	return s.byKind[kind].UpdateResources(byName(with), nil)
}

func byName(all []types.Resource) map[string]types.Resource {
	named := make(map[string]types.Resource, len(all))
	for _, one := range all {
		named[cache.GetResourceName(one)] = one
	}
	return named
}

// byCluster makes a group of the nodes with the same cluster.
type byCluster struct{}

func (byCluster) ID(node *corev3.Node) string { return node.GetCluster() }

func holderOf(name string) (holder, error) {
	switch name {
	case "snapshot":
		return &whole{snapshots: cache.NewSnapshotCache(true, byCluster{}, nil)}, nil
	case "linear":
		byKind := map[resource.Type]*cache.LinearCache{}
		for _, kind := range []resource.Type{resource.ClusterType, resource.EndpointType} {
			byKind[kind] = cache.NewLinearCache(kind)
		}
		return &single{byKind}, nil
	}
	return nil, fmt.Errorf("there is no cache %q: it is snapshot or linear", name)
}

// world is what the commands act on.
type world struct {
	holder holder
	filled order
	round  int
}

func (w *world) obey(o order) error {
	switch o.Do {
	case "fill":
		w.filled, w.round = o, 0
		return w.holder.fill(o.Group, map[resource.Type][]types.Resource{
			resource.ClusterType:  w.clusters(o.Clusters),
			resource.EndpointType: w.endpoints(o.Endpoints),
		})
	case "change":
		w.round++
		if o.Kind == "clusters" {
			return w.holder.replace(w.filled.Group, resource.ClusterType, w.clusters(o.Count))
		}
		return w.holder.replace(w.filled.Group, resource.EndpointType, w.endpoints(o.Count))
	}
	return fmt.Errorf("there is no command %q", o.Do)
}

// mark is what the client looks for in the bytes of a response.
func (w *world) mark() string { return fmt.Sprintf("round-%08d", w.round) }

func (w *world) clusters(count int) []types.Resource {
	all := make([]types.Resource, count)
	for n := range all {
		one := &clusterv3.Cluster{
			Name:                 fmt.Sprintf("svc-%d", n),
			AltStatName:          w.mark(),
			ClusterDiscoveryType: &clusterv3.Cluster_Type{Type: clusterv3.Cluster_EDS},
			ConnectTimeout:       durationpb.New(2 * time.Second),
			EdsClusterConfig: &clusterv3.Cluster_EdsClusterConfig{EdsConfig: &corev3.ConfigSource{
				ResourceApiVersion:    corev3.ApiVersion_V3,
				ConfigSourceSpecifier: &corev3.ConfigSource_Ads{Ads: &corev3.AggregatedConfigSource{}},
			}},
		}
		if w.filled.Padding > 0 {
			one.Metadata = &corev3.Metadata{FilterMetadata: map[string]*structpb.Struct{"bench": {
				Fields: map[string]*structpb.Value{"padding": structpb.NewStringValue(padding(n, w.filled.Padding))},
			}}}
		}
		all[n] = one
	}
	return all
}

// padding differs from cluster to cluster, as configuration does.
func padding(n, size int) string {
	text := make([]byte, size)
	for at := range text {
		text[at] = byte('a' + (n*7+at)%23)
	}
	return string(text)
}

func (w *world) endpoints(count int) []types.Resource {
	all := make([]types.Resource, count)
	for n := range all {
		address := &corev3.Address{Address: &corev3.Address_SocketAddress{SocketAddress: &corev3.SocketAddress{
			Address:       fmt.Sprintf("10.0.%d.%d", n/256, n%256),
			PortSpecifier: &corev3.SocketAddress_PortValue{PortValue: uint32(20000 + w.round)},
		}}}
		host := &endpointv3.LbEndpoint_Endpoint{Endpoint: &endpointv3.Endpoint{Address: address, Hostname: w.mark()}}
		all[n] = &endpointv3.ClusterLoadAssignment{
			ClusterName: fmt.Sprintf("svc-%d", n),
			Endpoints: []*endpointv3.LocalityLbEndpoints{
				{LbEndpoints: []*endpointv3.LbEndpoint{{HostIdentifier: host}}},
			},
		}
	}
	return all
}

func main() {
	name := flag.String("cache", "snapshot", "snapshot or linear")
	flag.Parse()
	holder, err := holderOf(*name)
	if err != nil {
		log.Fatal(err)
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		log.Fatal(err)
	}
	// The options are those that its own documentation tells its users to set.
	transport := grpc.NewServer(
		grpc.MaxConcurrentStreams(1_000_000),
		grpc.KeepaliveParams(keepalive.ServerParameters{Time: 30 * time.Second, Timeout: 5 * time.Second}),
		grpc.KeepaliveEnforcementPolicy(keepalive.EnforcementPolicy{MinTime: 30 * time.Second, PermitWithoutStream: true}),
	)
	ads := server.NewServer(context.Background(), holder.cache(), nil)
	discoveryv3.RegisterAggregatedDiscoveryServiceServer(transport, ads)
	go func() { log.Fatal(transport.Serve(listener)) }()

	answers := json.NewEncoder(os.Stdout)
	answers.Encode(map[string]int{"port": listener.Addr().(*net.TCPAddr).Port})
	commands := json.NewDecoder(bufio.NewReader(os.Stdin))
	w := &world{holder: holder}
	for {
		var o order
		if commands.Decode(&o) != nil {
			return
		}
		if err := w.obey(o); err != nil {
			log.Fatal(err)
		}
		answers.Encode(map[string]int{"round": w.round})
	}
}
