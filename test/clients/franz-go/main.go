// Drives franz-go for the tests: produces with every codec, reads as a group, copies in transactions, and prints what it saw as one line of JSON.
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
	Copied    []string `json:"copied"`
	Copier    int64    `json:"copier"`
}

func check(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// Copies the topic in transactions with their offsets; the first is aborted and done again. Gives what a reader of committed records sees.
func copyInTransactions(ctx context.Context, bootstrap, topic, group string, count int) []string {
	target := topic + "-copy"
	session, err := kgo.NewGroupTransactSession(kgo.SeedBrokers(bootstrap), kgo.TransactionalID(group), kgo.ConsumerGroup(group),
		kgo.ConsumeTopics(topic), kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()), kgo.FetchIsolationLevel(kgo.ReadCommitted()),
		kgo.RequireStableFetchOffsets(), kgo.DefaultProduceTopic(target))
	check(err)
	commits := false
	for copied := 0; copied < count; commits = true {
		fetches := session.PollRecords(ctx, 2)
		check(fetches.Err())
		check(session.Begin())
		fetches.EachRecord(func(r *kgo.Record) {
			session.Produce(ctx, &kgo.Record{Value: r.Value}, func(_ *kgo.Record, err error) {
				// What is aborted need not be sent at all.
				if commits {
					check(err)
				}
			})
		})
		committed, err := session.End(ctx, kgo.TransactionEndTry(commits))
		check(err)
		if committed {
			copied += fetches.NumRecords()
		}
	}
	session.Close()

	reader, err := kgo.NewClient(kgo.SeedBrokers(bootstrap), kgo.ConsumeTopics(target),
		kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()), kgo.FetchIsolationLevel(kgo.ReadCommitted()))
	check(err)
	defer reader.Close()
	var values []string
	for len(values) < count {
		fetches := reader.PollFetches(ctx)
		check(fetches.Err())
		fetches.EachRecord(func(r *kgo.Record) { values = append(values, string(r.Value)) })
	}
	return values
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

	_, err = admin.CreateTopic(ctx, 1, 1, nil, topic+"-copy")
	check(err)
	copier := group + "-copier"
	out.Copied = copyInTransactions(ctx, bootstrap, topic, copier, len(codecs))
	committed, err = admin.FetchOffsets(ctx, copier)
	check(err)
	offset, _ = committed.Lookup(topic, 0)
	out.Copier = offset.At
	check(json.NewEncoder(os.Stdout).Encode(out))
}
