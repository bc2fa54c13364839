// SPDX-License-Identifier: Apache-2.0
#include "trident/run/cluster/cluster_ports.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>
#include <string>

#include "tests/support/paths.h"
#include "tests/support/temp_dir.h"

namespace trident {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

class ClusterPortsTest : public ::testing::Test {
 protected:
  ClusterPortsTest() {
    std::filesystem::copy(InSourceTree("tests/coordinator/serve/tls"), dir_.path() + "/tls");
    ::chmod(tls().key.c_str(), 0600);
  }
  TlsFiles tls() const {
    const std::string at = dir_.path() + "/tls/";
    return {.certificate = at + "server.pem", .key = at + "server.key", .peer_ca = at + "ca.pem"};
  }
  // A worker that others on other machines reach.
  ClusterOptions Far() const {
    ClusterOptions options;
    options.workers = 2;
    options.worker = 1;
    options.leader = "leader.example.org:7500";
    options.exchange_address = "worker.example.org:7501";
    options.token = "a secret";
    options.tls = tls();
    return options;
  }
  static std::string Refusal(const ClusterOptions& options) {
    const StatusOr<ClusterPorts> ports = PortsOf(options);
    EXPECT_TRUE(absl::IsInvalidArgument(ports.status())) << ports.status();
    return std::string(Message(ports.status()));
  }

  const TempDir dir_;
};

TEST_F(ClusterPortsTest, OneMachineNeedsNothing) {
  const StatusOr<ClusterPorts> ports = PortsOf(ClusterOptions());
  ASSERT_TRUE(ports.ok()) << ports.status();
  EXPECT_EQ(ports->leader.ToString(), "127.0.0.1:0");
  EXPECT_EQ(ports->exchange.ToString(), "127.0.0.1:0");
  EXPECT_FALSE(ports->tls);
}

TEST_F(ClusterPortsTest, SeveralMachinesWithTlsAndATokenAreTaken) {
  const StatusOr<ClusterPorts> ports = PortsOf(Far());
  ASSERT_TRUE(ports.ok()) << ports.status();
  EXPECT_EQ(ports->exchange.host, "worker.example.org");
  EXPECT_THAT(ports->tls->key, HasSubstr("PRIVATE KEY"));
}

TEST_F(ClusterPortsTest, WithoutTlsOrATokenNobodyElseIsLetNear) {
  ClusterOptions options = Far();
  options.tls.reset();
  EXPECT_THAT(Refusal(options),
              AllOf(HasSubstr("--leader: others than this machine"), HasSubstr("--peer-tls-cert")));
  options = Far();
  options.token.clear();
  EXPECT_THAT(Refusal(options), HasSubstr("--token-file"));
  options = Far();
  options.leader = "127.0.0.1:7500";
  options.tls.reset();
  EXPECT_THAT(Refusal(options), HasSubstr("--exchange-address: others than this machine"));
  ClusterOptions leads;
  leads.control_address = "192.0.2.1:7500";
  EXPECT_THAT(Refusal(leads), HasSubstr("--peer-address: others than this machine"));
}

TEST_F(ClusterPortsTest, AnAddressThatNobodyCanDialIsRefused) {
  for (const char* every : {"0.0.0.0:7501", "[::]:7501"}) {
    ClusterOptions options = Far();
    options.exchange_address = every;
    EXPECT_THAT(Refusal(options),
                AllOf(HasSubstr("--exchange-address: expected a host"), HasSubstr(every)));
    ClusterOptions leads = Far();
    leads.leader.clear();
    leads.control_address = every;
    EXPECT_THAT(Refusal(leads), HasSubstr("--peer-address: expected a host"));
  }
  ClusterOptions options = Far();
  options.exchange_address = "127.0.0.1:7501";
  EXPECT_THAT(Refusal(options), HasSubstr("workers of other machines can dial"));
  options.exchange_address = "worker";
  EXPECT_THAT(Refusal(options), HasSubstr("--exchange-address"));
  options.exchange_address = "0.0.0.0:7501";
  options.peer_host = "a host";
  EXPECT_THAT(Refusal(options), HasSubstr("--peer-host"));
}

TEST_F(ClusterPortsTest, AllAddressesAreListenedOnByWhoSaysItsName) {
  ClusterOptions options = Far();
  options.exchange_address = "0.0.0.0:7501";
  options.peer_host = "worker.example.org";
  const StatusOr<ClusterPorts> ports = PortsOf(options);
  ASSERT_TRUE(ports.ok()) << ports.status();
  EXPECT_EQ(ports->exchange.ToListenOn(), "0.0.0.0:7501");
  EXPECT_EQ(ports->host, "worker.example.org");
  options.tls.reset();
  options.leader = "127.0.0.1:7500";
  EXPECT_THAT(Refusal(options), HasSubstr("--exchange-address: others than this machine"));
}

TEST_F(ClusterPortsTest, FilesThatCannotBeReadAreNamed) {
  ClusterOptions options = Far();
  options.tls->peer_ca = "/nowhere/ca.pem";
  EXPECT_THAT(Refusal(options), HasSubstr("/nowhere/ca.pem"));
  ::chmod(tls().key.c_str(), 0644);
  EXPECT_THAT(Refusal(Far()), HasSubstr("chmod 0600"));
}

}  // namespace
}  // namespace trident
