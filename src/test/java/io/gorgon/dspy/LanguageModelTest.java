package io.gorgon.dspy;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

/** A language model says where its key is, and cannot hold it. */
class LanguageModelTest {

  @Test
  void aKeyIsNoOption() {
    LanguageModel model = LanguageModel.of("openai/x");
    for (String secret : List.of("api_key", "azure_ad_token", "aws_secret_access_key")) {
      assertThatThrownBy(() -> model.with(secret, "sk-1"))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessageContaining(secret)
          .hasMessageNotContaining("sk-1");
    }
    assertThatThrownBy(() -> model.with("api_base", "http://x"))
        .hasMessageContaining("method of its own");
    assertThatThrownBy(() -> model.withAdapter("yaml")).hasMessageContaining("chat, json or xml");
    for (String url : List.of("http://user:sk-1@host/v1", "https://sk-1@host")) {
      assertThatThrownBy(() -> model.withBaseUrl(url))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessageContaining("user or password")
          .hasMessageNotContaining("sk-1");
    }
    assertThat(model.withBaseUrl("http://h/v1?to=a@b").baseUrl()).isPresent();
    assertThatThrownBy(() -> LanguageModel.of(" ")).hasMessageContaining("provider/model");
  }

  @Test
  void itTravelsWithThePlaceOfItsKey() {
    LanguageModel model =
        LanguageModel.of("openai/x").withBaseUrl("http://gpu/v1").withMaxTokens(10).cached();

    assertThat(model.withSecret("team").settings())
        .isEqualTo(
            Map.of(
                "model",
                "openai/x",
                "base_url",
                "http://gpu/v1",
                "key",
                Map.of("secret", "team"),
                "cache",
                true,
                "options",
                Map.of("max_tokens", 10)));
    assertThat(model.withKeyFromEnvironment("KEY").settings())
        .containsEntry("key", Map.of("environment", "KEY"));
  }
}
