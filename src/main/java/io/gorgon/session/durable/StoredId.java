package io.gorgon.session.durable;

import java.nio.ByteBuffer;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.Base64;
import java.util.Optional;

/**
 * This names the sessions of one pool in the database: the pool's tag, and an identifier for each
 * key. Keys that the column cannot take, too long ones and such with signs that some database
 * refuses, are named by their SHA-256.
 */
final class StoredId {

  /** What the plugin's schema has room for. */
  private static final int LONGEST = 255;

  private static final String ROOT = "gorgon-session|";
  private static final char HASHED = '#';

  private final String tag;
  private final String prefix;

  StoredId(String pool) {
    this.tag = ROOT + pool;
    this.prefix = tag + "|";
  }

  String tag() {
    return tag;
  }

  /** A pattern of SQL that all identifiers of hashed keys fit, and nearly no others. */
  String hashedPattern() {
    return prefix + HASHED + "%"; // a pool's '_' stands for any sign: more bytes, no harm
  }

  String of(String key) {
    boolean plain =
        prefix.length() + key.length() <= LONGEST
            && key.charAt(0) != HASHED
            && key.chars().allMatch(StoredId::isPlain);
    return prefix + (plain ? key : HASHED + digest(key));
  }

  /** The key, unless it is hashed. */
  Optional<String> key(String id) {
    return id.startsWith(prefix + HASHED)
        ? Optional.empty()
        : Optional.of(id.substring(prefix.length()));
  }

  /** No trailing blanks to be trimmed, no accents to be folded, no halves of characters. */
  private static boolean isPlain(int sign) {
    return sign > ' ' && sign < 127;
  }

  private static String digest(String key) {
    ByteBuffer signs = ByteBuffer.allocate(2 * key.length());
    signs.asCharBuffer().put(key);
    try {
      byte[] hash = MessageDigest.getInstance("SHA-256").digest(signs.array());
      return Base64.getUrlEncoder().withoutPadding().encodeToString(hash);
    } catch (NoSuchAlgorithmException impossible) {
      throw new IllegalStateException(impossible); // every JDK has it
    }
  }
}
