package io.gorgon.cli;

import com.fasterxml.jackson.core.JsonProcessingException;
import io.gorgon.dspy.LanguageModel;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** The language model that a command's programs use. */
@SuppressWarnings("NullAway.Init")
final class ModelOptions {

  @Spec(Spec.Target.MIXEE)
  CommandSpec spec;

  @Option(
      names = "--model",
      description = {
        "as LiteLLM names it: provider/model;",
        "the pool's language-model in --config if not given"
      })
  @Nullable String model;

  @Option(
      names = "--base-url",
      paramLabel = "URL",
      description = "where the model is, if elsewhere")
  @Nullable String baseUrl;

  @Option(
      names = "--key-env",
      paramLabel = "VARIABLE",
      description = "the environment variable with the key; the provider's usual one if not given")
  @Nullable String keyVariable;

  @Option(
      names = "--set",
      paramLabel = "OPTION=JSON",
      description = "an option of the model: temperature=0.2; may be repeated")
  Map<String, String> settings = new LinkedHashMap<>();

  /**
   * The model that was asked for; empty where none was, and the pool's own is to be used.
   *
   * @throws ParameterException where an option is wrong, or is there without a model
   */
  Optional<LanguageModel> languageModel() {
    if (model == null) {
      if (baseUrl != null || keyVariable != null || !settings.isEmpty()) {
        throw new ParameterException(
            spec.commandLine(), "--base-url, --key-env and --set need --model");
      }
      return Optional.empty();
    }
    try {
      LanguageModel asked = LanguageModel.of(model);
      asked = baseUrl == null ? asked : asked.withBaseUrl(baseUrl);
      asked = keyVariable == null ? asked : asked.withKeyFromEnvironment(keyVariable);
      for (Map.Entry<String, String> each : settings.entrySet()) {
        asked = asked.with(each.getKey(), value(each.getValue()));
      }
      return Optional.of(asked);
    } catch (IllegalArgumentException wrong) {
      throw new ParameterException(spec.commandLine(), wrong.getMessage());
    }
  }

  /** JSON where it is some, else the text as it stands. */
  private static Object value(String text) {
    try {
      return CallArguments.parse(text);
    } catch (JsonProcessingException plain) {
      return text;
    }
  }
}
