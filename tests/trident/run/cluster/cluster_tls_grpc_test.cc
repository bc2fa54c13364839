// SPDX-License-Identifier: Apache-2.0
//
// Workers that show each other certificates, and those who have none, or the wrong ones.
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>
#include <string>

#include "tests/support/paths.h"
#include "tests/support/temp_dir.h"
#include "tests/trident/run/cluster/word_cluster.h"

namespace trident {
namespace {

class ClusterTls : public ::testing::Test {
 protected:
  ClusterTls() {
    std::filesystem::copy(InSourceTree("tests/coordinator/serve/tls"), dir_.path() + "/tls");
    for (const char* who : {"server", "client", "stranger", "expired"}) {
      ::chmod(FilesOf(who).key.c_str(), 0600);
    }
  }
  TlsFiles FilesOf(const std::string& who, const std::string& ca = "ca.pem") const {
    const std::string at = dir_.path() + "/tls/";
    return {.certificate = at + who + ".pem", .key = at + who + ".key", .peer_ca = at + ca};
  }

  const TempDir dir_;
};

TEST_F(ClusterTls, ThreeWorkersCountEachWordOnceAndAnswerForAll) {
  constexpr uint64_t kRows = 20'000;
  WordCluster cluster(3, kRows, WordCluster::AtEnd::kServes);
  for (uint32_t worker = 0; worker < 3; ++worker) {
    cluster.UseTls(FilesOf(worker == 1 ? "client" : "server"));
    cluster.Start(worker);
    if (HasFatalFailure()) return;
  }
  cluster.AwaitAll();
  if (HasFatalFailure()) return;
  const std::map<std::string, int64_t> expected = ExpectedCounts(kRows);
  EXPECT_EQ(cluster.Counts(), expected);
  // Most of these keys are with other workers, and so is the leader.
  const std::string word = expected.begin()->first;
  for (uint32_t worker = 0; worker < 3; ++worker) {
    ClusterRun& process = cluster.process(worker);
    size_t found = 0;
    const auto at = process.states().Pin(kWordGroup, ReadAt::Latest());
    ASSERT_TRUE(at.ok()) << at.status();
    const ReadableState* counts = *process.states().Find("counts");
    for (const auto& [key, count] : expected) {
      const auto value = counts->Get(at->txid(), KeyOfWord(key));
      ASSERT_TRUE(value.ok()) << value.status();
      ASSERT_TRUE(value->has_value()) << key;
      found += CountOf(**value) == count ? 1 : 0;
      if (found > 100) break;
    }
    EXPECT_GT(found, 100u);
  }
}

TEST_F(ClusterTls, WhoHasNoGoodCertificateIsNotLetIn) {
  constexpr uint64_t kRows = 200;
  WordCluster cluster(2, kRows);
  cluster.UseTls(FilesOf("server"));
  cluster.Start(0);
  if (HasFatalFailure()) return;
  for (const TlsFiles& files :
       {FilesOf("stranger"), FilesOf("expired"), FilesOf("client", "stranger_ca.pem")}) {
    cluster.UseTls(files);
    cluster.Start(1);
    if (HasFatalFailure()) return;
    EXPECT_FALSE(*cluster.process(1).AwaitEndFor(500 * kMillisecond));
    EXPECT_FALSE(cluster.process(1).TakesPart());
    EXPECT_FALSE(cluster.process(0).TakesPart());
    cluster.End(1);
  }
  cluster.UseTls(FilesOf("client"));
  cluster.Start(1);
  EXPECT_TRUE(*cluster.process(0).AwaitEndFor(60 * kSecond)) << cluster.process(0).Describe();
  EXPECT_EQ(cluster.Counts(), ExpectedCounts(kRows));
}

TEST_F(ClusterTls, PlainTextAndTlsDoNotMeet) {
  for (const bool leader_has_tls : {true, false}) {
    WordCluster cluster(2, 10);
    if (leader_has_tls) cluster.UseTls(FilesOf("server"));
    cluster.Start(0);
    if (HasFatalFailure()) return;
    cluster.UseTls(leader_has_tls ? std::nullopt : std::optional(FilesOf("server")));
    cluster.Start(1);
    if (HasFatalFailure()) return;
    EXPECT_FALSE(*cluster.process(0).AwaitEndFor(500 * kMillisecond));
    EXPECT_FALSE(cluster.process(1).TakesPart());
  }
}

}  // namespace
}  // namespace trident
