// SPDX-License-Identifier: Apache-2.0
//
// Client: what the command asks of a running topology. Nothing of gRPC shows.
#ifndef TRIDENT_COORDINATOR_CLI_CLIENT_H_
#define TRIDENT_COORDINATOR_CLI_CLIENT_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/ids.h"
#include "base/key_encoding.h"
#include "base/ports/tls_files.h"
#include "base/status.h"
#include "base/types.h"
#include "coordinator/serve/drpc_server.h"
#include "coordinator/serve/topology_control.h"

namespace trident {

struct ClientOptions {
  std::string address;
  Nanos timeout = 10 * kSecond;  // of each unary call, and of the first answer of a stream
  std::optional<TlsFiles> tls;
};

// A state, as the topology describes it.
struct RemoteState {
  std::string name;
  std::string kind;
  std::vector<KeyField> key_fields;
  std::string value_type;
  uint32_t partitions = 0;
  uint64_t approximate_keys = 0;
  uint64_t unreadable_keys = 0;  // that the topology has found so far
  TxId latest;
  uint64_t expire_after_micros = 0;  // 0: no key expires

  std::string KeyText() const;  // "user:text, day:int64?"
};

// At which committed cut to read; the latest when neither is set.
struct RemoteCut {
  std::optional<uint64_t> exactly;
  std::optional<uint64_t> at_least;  // waits for it, up to the timeout
};

struct RemoteValue {
  TxId txid;
  std::optional<Datum> value;
};

struct RemoteScan {
  std::string state;
  std::vector<Datum> prefix;  // the first fields of the key
  std::vector<Datum> from;    // used when there is no prefix, as is `to`
  std::vector<Datum> to;
  RemoteCut at;
  uint64_t rows_max = 0;  // 0: all
};

struct RemoteScanEnd {
  TxId txid;
  uint64_t rows = 0;        // unreadable ones included
  uint64_t unreadable = 0;  // rows whose value the topology cannot read
  bool more = false;        // rows_max was reached before the last row
};

struct RemoteWatch {
  std::string state;
  std::vector<Datum> key;  // all fields: one key; the first ones: a prefix; none: every key
  bool whole_key = false;
  uint64_t from = 0;  // the first txid to report; 0: what commits next
};

struct RemoteChange {
  TxId txid;
  std::vector<Datum> key;
  std::optional<Datum> value;  // nullopt: removed, or unreadable
  std::string error;           // why the topology cannot read it; empty: it can
};

// One thread. Errors are the topology's; Unavailable, saying what to try, when none answers.
class Client {
 public:
  // Connects with the first call. InvalidArgument when the TLS files cannot be used.
  static StatusOr<std::unique_ptr<Client>> Create(const ClientOptions& options);
  ~Client();

  const std::string& address() const;
  Nanos timeout() const;  // of the options

  StatusOr<std::vector<RemoteState>> ListStates();
  // NotFound names the nearest state and those that there are.
  StatusOr<RemoteState> FindState(const std::string& name);
  StatusOr<RemoteValue> Get(const std::string& state, const std::vector<Datum>& key,
                            const RemoteCut& at);
  // Calls `row` for each row in key order; `value` is Aborted where the topology cannot read it,
  // and says why. A scan that the topology cuts off because `row` takes
  // long goes on where it stood, at the same txid; OutOfRange if that is not readable any more.
  using OnRow = std::function<void(const std::vector<Datum>& key, const StatusOr<Datum>& value)>;
  StatusOr<RemoteScanEnd> Scan(const RemoteScan& scan, const OnRow& row);
  // Calls `begun` with the txid after which changes are reported, then `change` for each one, and
  // `told` with a txid when all changes up to it were told; ends with ok when `change` returns
  // false.
  using OnTxId = std::function<void(TxId)>;
  using OnChange = std::function<bool(const RemoteChange&)>;
  Status Watch(const RemoteWatch& watch, const OnTxId& begun, const OnTxId& told,
               const OnChange& change);

  StatusOr<DrpcAnswer> Drpc(const std::string& function, const std::string& args);
  StatusOr<std::vector<DrpcFunctionStatus>> Functions();

  StatusOr<TopologyView> Batches();
  StatusOr<std::vector<WorkerView>> Workers();
  StatusOr<std::string> Explain(ExplainFormat format);
  StatusOr<std::string> Metrics();
  // Calls `files` with the names and sizes of all files of a backup, then `bytes` with their bytes,
  // file after file; either may end it with an error. DataLoss: what came is not what was sent.
  using OnFiles = std::function<Status(std::vector<BackupFile>)>;
  using OnBytes = std::function<Status(std::string_view)>;
  Status Backup(const OnFiles& files, const OnBytes& bytes);
  Status Pause();
  Status Resume();
  // Where each of the letters stands after the action, in their order; at most kLettersPerCallMax.
  StatusOr<std::vector<LetterStanding>> DoWithLetters(LetterAction action,
                                                      const std::vector<LetterName>& letters);
  struct Version {
    std::string release;
    std::string topology;
  };
  StatusOr<Version> GetVersion();

 private:
  struct Connection;  // everything of gRPC

  explicit Client(std::unique_ptr<Connection> connection);

  std::unique_ptr<Connection> connection_;
};

}  // namespace trident

#endif  // TRIDENT_COORDINATOR_CLI_CLIENT_H_
