package io.gorgon.process;

import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * This is what a worker process is started with; the same for every worker of a pool.
 *
 * @param path directories that go before {@code sys.path}
 * @param environment variables to set; null removes one
 * @param directory the working directory; empty keeps the JVM's
 * @param preload modules that are imported once, in a template that the workers are forked from;
 *     where that cannot be, each worker imports them itself before it is ready
 * @param imports modules to import before the worker is ready
 * @param limits resource limits by name: {@code memory} (bytes), {@code open_files}, {@code
 *     processes}, {@code cpu_seconds}, {@code core} (bytes), {@code file_size} (bytes)
 * @param threads the cap of native math threads; empty leaves them alone
 * @param method {@code auto}, {@code fork} or {@code fresh}
 * @param frameLimit bytes of one frame
 * @param logLevel the level of Python's root logger
 * @param logLines records that one worker may log in a second
 * @param sharedFrom bytes from which an array travels in shared memory
 * @param sharedLimit bytes of shared memory that there is at most; 0 for none
 * @param concurrency calls that one process runs at once
 * @param entry the Python function that is the worker; tests replace it
 */
public record Launch(
    List<Path> path,
    Map<String, @Nullable String> environment,
    Optional<Path> directory,
    List<String> preload,
    List<String> imports,
    Map<String, Long> limits,
    Optional<Integer> threads,
    String method,
    long frameLimit,
    long sharedFrom,
    long sharedLimit,
    String logLevel,
    int logLines,
    int concurrency,
    String entry) {

  /** The bridge's own worker loop. */
  public static final String ENTRY = "gorgon._worker:main";
}
