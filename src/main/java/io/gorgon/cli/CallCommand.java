package io.gorgon.cli;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import io.gorgon.message.Call;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.Map;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** Runs one call and prints its result. */
@Command(
    name = "call",
    mixinStandardHelpOptions = true,
    description = "Calls a Python function once and prints its result as JSON.")
@SuppressWarnings("NullAway.Init")
final class CallCommand implements Callable<Integer> {

  @Mixin PoolOptions options;

  @Spec CommandSpec spec;

  @Parameters(index = "0", paramLabel = "TARGET", description = "module:function, as math:sqrt")
  String target;

  @Parameters(
      index = "1",
      arity = "0..1",
      defaultValue = "[]",
      paramLabel = "JSON-ARGUMENTS",
      description = "an array (positional) or an object (keywords), as '[16]'; - reads them")
  String json;

  @Override
  public Integer call() throws IOException {
    Call call = CallArguments.spread(target, arguments());
    try (var running = new CommandPool(options, Map.of("min-workers", 1, "max-workers", 1))) {
      spec.commandLine().getOut().println(running.await(running.pool().call(call)).json());
      spec.commandLine().getOut().flush();
    }
    return ExitCode.OK.number();
  }

  private JsonNode arguments() throws IOException {
    String text =
        json.equals("-")
            ? new String(Inputs.standard(spec.commandLine()).readAllBytes(), StandardCharsets.UTF_8)
            : json;
    try {
      JsonNode read = CallArguments.parse(text);
      if (read.isContainerNode()) {
        return read;
      }
    } catch (JsonProcessingException wrong) {
      throw usage("is no JSON (" + CallArguments.problem(wrong) + ")");
    }
    throw usage("is neither an array nor an object");
  }

  private ParameterException usage(String problem) {
    return new ParameterException(
        spec.commandLine(),
        "JSON-ARGUMENTS " + problem + "; give for example '[16]' or '{\"x\": 16}'");
  }
}
