package io.gorgon.message;

import org.jspecify.annotations.Nullable;

/**
 * This is how a Python process ended, as the keeper that reaped it saw it.
 *
 * @param code the exit code, or null if it did not exit by itself
 * @param signal the number of the signal that killed it, or null
 */
public record Exit(@Nullable Integer code, @Nullable Integer signal) {

  /** The end of a process that nobody could observe, for example because the keeper died too. */
  public static final Exit UNKNOWN = new Exit(null, null);

  /** Ended by itself with {@code code}. */
  public static Exit code(int code) {
    return new Exit(code, null);
  }

  /** Killed by {@code signal}. */
  public static Exit signal(int signal) {
    return new Exit(null, signal);
  }

  /** Prints as {@code exit code 3}, {@code SIGKILL (9)} or {@code end not observed}. */
  @Override
  public String toString() {
    if (code != null) {
      return "exit code " + code;
    }
    if (signal == null) {
      return "end not observed";
    }
    return switch (signal) {
      case 1 -> "SIGHUP (1)";
      case 2 -> "SIGINT (2)";
      case 3 -> "SIGQUIT (3)";
      case 4 -> "SIGILL (4)";
      case 6 -> "SIGABRT (6)";
      case 7 -> "SIGBUS (7)";
      case 8 -> "SIGFPE (8)";
      case 9 -> "SIGKILL (9)";
      case 11 -> "SIGSEGV (11)";
      case 13 -> "SIGPIPE (13)";
      case 15 -> "SIGTERM (15)";
      case 24 -> "SIGXCPU (24)";
      case 25 -> "SIGXFSZ (25)";
      default -> "signal " + signal;
    };
  }
}
