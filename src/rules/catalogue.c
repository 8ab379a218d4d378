/* The catalogue of models: every rule on a parameter, once. Source: the service's reference page of
   POST /images/generations, model step-image-edit-2. */
#include "stepimg.h"

#define TEXT(s) .type = STEPIMG_STRING, .as.string = {s, sizeof(s) - 1}

static const char *const step_image_edit_2_sizes[] = {"1024x1024", "768x1360", "896x1184",
                                                      "1360x768",  "1184x896", NULL};
static const char *const response_formats[] = {"b64_json", "url", NULL};

static const struct stepimg_rule step_image_edit_2[] = {
    {.name = "prompt", .type = STEPIMG_STRING, .required = true, .max = 512},
    {.name = "size",
     .type = STEPIMG_STRING,
     .choices = step_image_edit_2_sizes,
     .meaning = "height x width",
     .has_default = true,
     .server_default = {TEXT("1024x1024")}},
    {.name = "n",
     .type = STEPIMG_INTEGER,
     .min = 1,
     .max = 1,
     .has_default = true,
     .server_default = {.type = STEPIMG_INTEGER, .as.integer = 1}},
    {.name = "response_format",
     .type = STEPIMG_STRING,
     .choices = response_formats,
     .has_default = true,
     .server_default = {TEXT("url")},
     .sent_default = "b64_json"}, /* one round trip, and no link that expires */
    {.name = "seed", .type = STEPIMG_INTEGER, .min = 0, .max = 2147483647},
    {.name = "steps",
     .type = STEPIMG_INTEGER,
     .min = 1,
     .max = 50,
     .has_default = true,
     .server_default = {.type = STEPIMG_INTEGER, .as.integer = 8}},
    {.name = "cfg_scale",
     .type = STEPIMG_NUMBER,
     .min = 1,
     .max = 10,
     .has_default = true,
     .server_default = {.type = STEPIMG_NUMBER, .as.number = 1}},
    {.name = "negative_prompt", .type = STEPIMG_STRING, .max = 512, .has_default = true, .server_default = {TEXT("")}},
    {.name = "text_mode",
     .type = STEPIMG_BOOLEAN,
     .has_default = true,
     .server_default = {.type = STEPIMG_BOOLEAN, .as.boolean = false}},
};

static const struct stepimg_model models[] = {
    {.name = "step-image-edit-2",
     .rules = step_image_edit_2,
     .rule_count = sizeof step_image_edit_2 / sizeof *step_image_edit_2},
};

const struct stepimg_model *stepimg_models(size_t *count)
{
  *count = sizeof models / sizeof *models;
  return models;
}
