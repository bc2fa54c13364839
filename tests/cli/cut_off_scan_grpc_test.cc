// SPDX-License-Identifier: Apache-2.0
//
// A scan whose reader pauses for longer than the topology waits: the command goes on where it was
// cut off, or says why it cannot.
#include <gtest/gtest.h>

#include <map>
#include <string>

#include "coordinator/cli/client.h"
#include "tests/coordinator/serve/served_topology.h"

namespace trident {
namespace {

constexpr Nanos kStallMax = 40 * kMillisecond;

class CutOffScanTest : public testing::Test {
 protected:
  CutOffScanTest() : topology(Impatient()) {
    std::map<std::string, int64_t> counts;
    for (int i = 0; i < kRows; ++i) counts["some longer word " + std::to_string(i)] = 1;
    topology.counts.Commit(counts);
    ClientOptions options;
    options.address = topology.server->address();
    client = *Client::Create(options);
  }
  static ServedTopology::Options Impatient() {
    ServedTopology::Options options;
    options.server.stream_stall_max = kStallMax;
    return options;
  }
  // Scans, and pauses at the first row until the stream has been cut off, or for long.
  template <class Pause>
  StatusOr<RemoteScanEnd> Scan(uint64_t rows_max, const Pause& pause) {
    RemoteScan scan;
    scan.state = "counts";
    scan.rows_max = rows_max;
    return client->Scan(scan, [&](const std::vector<Datum>& key, const StatusOr<Datum>&) {
      if (rows++ == 0) pause();
      EXPECT_LT(last, std::get<std::string>(key[0].value));
      last = std::get<std::string>(key[0].value);
    });
  }
  // Nothing tells that the stream has been cut off but the end of reading it.
  static void Pause() {
    Mutex mutex;
    CondVar never;
    MutexLock lock(mutex);
    never.WaitFor(mutex, 20 * kStallMax);
  }

  static constexpr int kRows = 200'000;
  ServedTopology topology;
  std::unique_ptr<Client> client;
  int rows = 0;
  std::string last;
};

TEST_F(CutOffScanTest, TheScanGoesOnAtItsTxIdWhereItWasCutOff) {
  const auto end = Scan(0, Pause);
  ASSERT_TRUE(end.ok()) << end.status();
  EXPECT_EQ(rows, kRows) << "each row once, in order";
  EXPECT_EQ(end->rows, static_cast<uint64_t>(kRows));
  EXPECT_FALSE(end->more);
}

TEST_F(CutOffScanTest, TheLimitCountsTheRowsOfBothParts) {
  const auto end = Scan(kRows - 1, Pause);
  ASSERT_TRUE(end.ok()) << end.status();
  EXPECT_EQ(rows, kRows - 1);
  EXPECT_TRUE(end->more);
}

TEST_F(CutOffScanTest, ATxIdThatIsGoneMeanwhileIsNamed) {
  const auto end = Scan(0, [&] {
    // The scan holds its txid until it is cut off.
    const TxId held = topology.catalog.timeline().published();
    while (topology.catalog.timeline().oldest() <= held) topology.counts.Commit({{"a", 1}});
  });
  EXPECT_EQ(end.status().code(), StatusCode::kOutOfRange) << end.status();
  const std::string said(Message(end.status()));
  EXPECT_NE(said.find("the scan was cut off after "), std::string::npos) << said;
  EXPECT_NE(said.find("is not readable any more"), std::string::npos) << said;
  EXPECT_LT(rows, kRows);
}

}  // namespace
}  // namespace trident
