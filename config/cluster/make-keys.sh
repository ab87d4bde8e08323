#!/bin/sh
# Makes the stores of tls.conf: an authority, and for each node a key that it has signed.
#   TLS_PASSWORD=... config/cluster/make-keys.sh DIRECTORY HOST...
# HOST is an address or name as in pekko.remote.artery.canonical.hostname. Gives DIRECTORY/trust.p12 for
# all nodes and DIRECTORY/HOST.p12 for each. Run again with the same directory it adds nodes. Keep
# DIRECTORY/authority.p12 away from the nodes: who has it can make nodes.
set -eu
: "${TLS_PASSWORD:?set it to at least six characters}"
export TLS_PASSWORD
directory=${1:?a directory is missing}
shift
umask 077
mkdir -p "$directory"
cd "$directory"

key() { keytool "$@" -storetype PKCS12 -storepass:env TLS_PASSWORD; }

if [ ! -f authority.p12 ]; then
  key -genkeypair -keystore authority.p12 -alias authority -dname "CN=gorgon authority" \
    -keyalg EC -groupname secp256r1 -validity 3650 -ext bc:critical=ca:true
  key -exportcert -keystore authority.p12 -alias authority -rfc -file authority.pem
  key -importcert -keystore trust.p12 -alias authority -file authority.pem -noprompt
fi

for host in "$@"; do
  case $host in
    *[!0-9.]*) name=dns:$host ;;
    *) name=ip:$host ;;
  esac
  key -genkeypair -keystore "$host.p12" -alias node -dname "CN=$host" \
    -keyalg EC -groupname secp256r1 -validity 825
  key -certreq -keystore "$host.p12" -alias node -file "$host.csr"
  key -gencert -keystore authority.p12 -alias authority -infile "$host.csr" -outfile "$host.pem" -rfc \
    -validity 825 -ext "san=$name" -ext eku=serverAuth,clientAuth
  key -importcert -keystore "$host.p12" -alias authority -file authority.pem -noprompt
  key -importcert -keystore "$host.p12" -alias node -file "$host.pem" -noprompt
  rm "$host.csr" "$host.pem"
done
