// Drives franz-go for the tests: produces with every codec, reads as a group, and prints what it saw as one line of JSON.
// Arguments: bootstrap address, topic, group. The topic is made here.
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
)

type told struct {
	Values    []string `json:"values"`
	Offsets   []int64  `json:"offsets"`
	Committed int64    `json:"committed"`
	End       int64    `json:"end"`
	State     string   `json:"state"`
	Found     int64    `json:"found"`
}

func check(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func main() {
	ctx, cancel := context.WithTimeout(context.Background(), 60*time.Second)
	defer cancel()
	bootstrap, topic, group := os.Args[1], os.Args[2], os.Args[3]
	admin, err := kadm.NewOptClient(kgo.SeedBrokers(bootstrap))
	check(err)
	defer admin.Close()
	_, err = admin.CreateTopic(ctx, 1, 1, nil, topic)
	check(err)

	codecs := []struct {
		name  string
		codec kgo.CompressionCodec
	}{
		{"none", kgo.NoCompression()}, {"gzip", kgo.GzipCompression()}, {"snappy", kgo.SnappyCompression()},
		{"lz4", kgo.Lz4Compression()}, {"zstd", kgo.ZstdCompression()},
	}
	for i, c := range codecs {
		producer, err := kgo.NewClient(kgo.SeedBrokers(bootstrap), kgo.ProducerBatchCompression(c.codec))
		check(err)
		at := time.UnixMilli(int64(1700000000000 + 1000*i))
		check(producer.ProduceSync(ctx, &kgo.Record{Topic: topic, Key: []byte("k"), Value: []byte(c.name), Timestamp: at}).FirstErr())
		producer.Close()
	}

	consumer, err := kgo.NewClient(kgo.SeedBrokers(bootstrap), kgo.ConsumeTopics(topic), kgo.ConsumerGroup(group),
		kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()), kgo.DisableAutoCommit())
	check(err)
	var out told
	for len(out.Values) < len(codecs) {
		fetches := consumer.PollFetches(ctx)
		check(fetches.Err())
		fetches.EachRecord(func(r *kgo.Record) {
			out.Values = append(out.Values, string(r.Value))
			out.Offsets = append(out.Offsets, r.Offset)
		})
	}
	check(consumer.CommitUncommittedOffsets(ctx))
	described, err := admin.DescribeGroups(ctx, group)
	check(err)
	out.State = described[group].State
	consumer.Close()

	committed, err := admin.FetchOffsets(ctx, group)
	check(err)
	offset, _ := committed.Lookup(topic, 0)
	out.Committed = offset.At
	ends, err := admin.ListEndOffsets(ctx, topic)
	check(err)
	end, _ := ends.Lookup(topic, 0)
	out.End = end.Offset
	after, err := admin.ListOffsetsAfterMilli(ctx, 1700000001500, topic)
	check(err)
	found, _ := after.Lookup(topic, 0)
	out.Found = found.Offset
	check(json.NewEncoder(os.Stdout).Encode(out))
}
