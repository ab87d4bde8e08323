package io.gorgon.stream;

import io.gorgon.message.Elements;
import org.apache.pekko.stream.javadsl.Source;

/**
 * This is a Pekko source as an argument of a call: Python gets an iterator ({@code gorgon.Source},
 * also an async one) and takes elements as it needs them. Elements are anything that an argument
 * may be. The source is run once for each call that it is an argument of, from the first element
 * that Python asks for, and cancelled when the call ends. From then on even an idempotent call is
 * not run again if its worker dies.
 *
 * <pre>{@code
 * pool.call(Call.of("stats:mean", JavaSource.of(readings)));
 * }</pre>
 */
public final class JavaSource implements Elements {

  private final Source<?, ?> source;

  private JavaSource(Source<?, ?> source) {
    this.source = source;
  }

  /** Makes {@code source} an argument. */
  public static JavaSource of(Source<?, ?> source) {
    return new JavaSource(source);
  }

  Source<?, ?> source() {
    return source;
  }

  @Override
  public String toString() {
    return "JavaSource";
  }
}
