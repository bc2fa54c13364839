// SPDX-License-Identifier: Apache-2.0
//
// Client: what the command asks of a running topology, with keys as a person types them and values
// as datums. Nothing of gRPC shows.
#ifndef TRIDENT_COORDINATOR_CLI_CLIENT_H_
#define TRIDENT_COORDINATOR_CLI_CLIENT_H_

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/status.h"
#include "base/types.h"

namespace trident {

struct ClientReadAt {
  std::optional<uint64_t> exactly;
  std::optional<uint64_t> at_least;
};

struct ClientRow {
  std::vector<Datum> key;  // of an answer of DRPC: the whole row
  std::optional<Datum> value;
};

struct ClientRows {
  uint64_t txid = 0;
  std::vector<std::string> fields;
  std::vector<ClientRow> rows;
};

struct ClientScan {
  std::string state;
  std::vector<std::string> prefix;
  std::vector<std::string> from;
  std::vector<std::string> to;
  uint64_t rows_max = 0;  // 0: no limit
  ClientReadAt at;
};

// One thread. Errors are the topology's; Unavailable when it cannot be reached.
class Client {
 public:
  Client(const std::string& address, Nanos timeout);
  ~Client();

  StatusOr<ClientRows> Get(const std::string& state, const std::vector<std::string>& key,
                           const ClientReadAt& at);
  StatusOr<ClientRows> Scan(const ClientScan& scan);
  StatusOr<ClientRows> ListStates();
  StatusOr<ClientRows> Drpc(const std::string& function, const std::string& args);
  StatusOr<ClientRows> Batches();
  StatusOr<std::string> Explain(const std::string& format);
  StatusOr<std::string> Metrics();
  Status Pause();
  Status Resume();

 private:
  struct Stubs;
  class Keys;

  std::unique_ptr<Stubs> stubs_;
};

}  // namespace trident

#endif  // TRIDENT_COORDINATOR_CLI_CLIENT_H_
