// SPDX-License-Identifier: Apache-2.0
#include "coordinator/serve/tls_files.h"

#include <sys/stat.h>

#include <cerrno>
#include <cstring>
#include <fstream>
#include <sstream>

namespace trident {
namespace {

StatusOr<std::string> ReadPem(const std::string& path, std::string_view what) {
  std::ifstream file(path);
  if (!file) {
    const char* reason = std::strerror(errno);
    return InvalidArgument("cannot read ", what, " from '", path, "': ", reason);
  }
  std::ostringstream content;
  content << file.rdbuf();
  std::string pem = content.str();
  if (pem.find("-----BEGIN ") == std::string::npos) {
    return InvalidArgument("expected ", what, " in PEM form in '", path,
                           "', found no '-----BEGIN' line in it");
  }
  return pem;
}

Status CheckPrivate(const std::string& path) {
  struct stat info {};
  if (::stat(path.c_str(), &info) != 0) return {};  // reading it will say why
  if ((info.st_mode & (S_IRWXG | S_IRWXO)) == 0) return {};
  return InvalidArgument("the private key '", path,
                         "' can be read by others than its owner; chmod 0600 it, and replace it if "
                         "others had access");
}

}  // namespace

StatusOr<TlsContent> ReadTlsFiles(const TlsFiles& files) {
  TRIDENT_RETURN_IF_ERROR(CheckPrivate(files.key));
  TlsContent out;
  TRIDENT_ASSIGN_OR_RETURN(out.certificate, ReadPem(files.certificate, "the certificate"));
  TRIDENT_ASSIGN_OR_RETURN(out.key, ReadPem(files.key, "the private key"));
  TRIDENT_ASSIGN_OR_RETURN(out.peer_ca, ReadPem(files.peer_ca, "the CA of the peers"));
  return out;
}

}  // namespace trident
