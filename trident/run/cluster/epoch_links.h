// SPDX-License-Identifier: Apache-2.0
//
// EpochLinks: the links over which rows go to other workers, epoch by epoch. Each epoch has links
// of its own (engine/links/peer_links.h), so nothing of an older one can arrive in it.
#ifndef TRIDENT_TRIDENT_RUN_CLUSTER_EPOCH_LINKS_H_
#define TRIDENT_TRIDENT_RUN_CLUSTER_EPOCH_LINKS_H_

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/mutex.h"
#include "base/ports/listen_address.h"
#include "base/ports/tls_files.h"
#include "base/status.h"
#include "coordinator/cluster/control_words.h"
#include "engine/links/peer_links.h"
#include "engine/transport/transport.h"
#include "trident/run/cluster/placement.h"

namespace trident {

// Thread-safe, but for Connect and Disconnect, which one thread calls.
class EpochLinks final : public Transport {
 public:
  struct Options {
    WorkerId worker;
    Incarnation life;
    HostPort address{"127.0.0.1", 0};              // where it listens; port 0: any free one
    std::string host = "127.0.0.1";                // by which others dial it
    std::optional<TlsContent> tls = std::nullopt;  // see GrpcStreams
    std::string token;
    grpc::Service* beside = nullptr;  // see GrpcStreams
    Placement placement;
    // Takes a message for a task of this worker. Not ok: no task expects it.
    std::function<Status(DataMessage)> deliver;
    // A link of an epoch that was connected has broken. What was on its way is lost, so the epoch
    // cannot go on. Must not block.
    std::function<void(Epoch, const Status&)> on_broken;
  };
  // Listens. Unavailable: the port cannot be had.
  static StatusOr<std::unique_ptr<EpochLinks>> Start(Options options);
  ~EpochLinks() override;

  // "host:port", for the other workers.
  std::string address() const;
  // The workers of an epoch, and where they take rows. Comes before Connect.
  void Welcomed(const Welcome& welcome);
  // Returns when all workers of the epoch take what the links to them carry. Not ok: not
  // `goes_on` any more, or the port is lost.
  Status Connect(Epoch epoch, const std::function<bool()>& goes_on);
  // Ends the links of the epoch; the port stays open for who asks. REQUIRES: nobody sends any more.
  void Disconnect();

  void Send(DataMessage message) override;
  void SendTogether(std::vector<DataMessage> messages) override;
  std::optional<WorkerId> FarWorkerOf(const TaskAddress& to) const override;

 private:
  explicit EpochLinks(Options options) : options_(std::move(options)) {}
  StatusOr<std::shared_ptr<PeerLinks>> Open(Epoch epoch);
  void Close();
  Status Judge(Epoch epoch, const PeerLife& peer) const;
  // Whether all of them take what the links to them carry.
  static bool IsWhole(const PeerLinks& links, const std::vector<Welcome::Worker>& others);
  void OnBroken(Epoch epoch, WorkerId worker, const Status& cause);
  // Says for whom the epoch waits, and why.
  void Complain(Epoch epoch, const PeerLinks& links,
                const std::vector<Welcome::Worker>& others) const;
  std::shared_ptr<PeerLinks> FindLinks() const;
  std::vector<Welcome::Worker> OthersOf(Epoch epoch) const;

  const Options options_;
  uint16_t port_ = 0;  // constant after Start

  mutable Mutex mutex_;
  CondVar changed_;
  Welcome welcome_ TRIDENT_GUARDED_BY(mutex_);
  std::shared_ptr<PeerLinks> links_ TRIDENT_GUARDED_BY(mutex_);
  bool is_whole_ TRIDENT_GUARDED_BY(mutex_) = false;              // Connect has returned
  std::map<WorkerId, Status> causes_ TRIDENT_GUARDED_BY(mutex_);  // of links that broke before it
};

}  // namespace trident

#endif  // TRIDENT_TRIDENT_RUN_CLUSTER_EPOCH_LINKS_H_
