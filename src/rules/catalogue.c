/* The catalogue of models: every rule on a parameter, once. Source: the service's reference pages of
   POST /images/generations and POST /images/edits, model step-image-edit-2. */
#include "stepimg.h"

#define COUNT_OF(array) (sizeof(array) / sizeof *(array))

#define TEXT(s) .type = STEPIMG_STRING, .as.string = {s, sizeof(s) - 1}

/* A size is written once, as its height and width; name and numbers follow. */
#define SIZE_NAME(height, width) #height "x" #width
#define SIZE_CHOICE(height, width) SIZE_NAME(height, width),
/* Versions of clang-format differ on macros that begin with a brace. */
/* clang-format off */
#define SIZE_ROW(height, width) {SIZE_NAME(height, width), width, height},
/* clang-format on */

#define STEP_IMAGE_EDIT_2 "step-image-edit-2"
#define STEP_IMAGE_EDIT_2_SIZES(X) X(1024, 1024) X(768, 1360) X(896, 1184) X(1360, 768) X(1184, 896)

static const struct stepimg_size step_image_edit_2_sizes[] = {STEP_IMAGE_EDIT_2_SIZES(SIZE_ROW)};
static const char *const step_image_edit_2_size_names[] = {STEP_IMAGE_EDIT_2_SIZES(SIZE_CHOICE) NULL};
static const char *const step_image_edit_2_aspects[] = {"1:1", "16:9", "4:3", "9:16", "3:4", NULL};
static const char *const response_formats[] = {"b64_json", "url", NULL};
static const char *const model_names[] = {STEP_IMAGE_EDIT_2, NULL};

static const struct stepimg_rule step_image_edit_2[] = {
    {.name = "prompt",
     .type = STEPIMG_STRING,
     .description = "What the picture is to show, or what is to be changed in the picture given.",
     .required = true,
     .max = 512},
    {.name = "size",
     .type = STEPIMG_STRING,
     .description = "The picture's size as the service spells it: height x width.",
     .shape = true,
     .choices = step_image_edit_2_size_names,
     .meaning = "height x width",
     .has_default = true,
     .server_default = {TEXT(SIZE_NAME(1024, 1024))}},
    {.name = "aspect",
     .type = STEPIMG_ASPECT,
     .description = "The picture's width to its height, as \"16:9\" or as a number; the nearest size is taken.",
     .own = true,
     .shape = true,
     .min = 0.01,
     .max = 100,
     .examples = step_image_edit_2_aspects},
    {.name = "width",
     .type = STEPIMG_INTEGER,
     .description = "The picture's width in pixels, together with height and in place of size.",
     .own = true,
     .shape = true,
     .min = 1,
     .max = 65535},
    {.name = "height",
     .type = STEPIMG_INTEGER,
     .description = "The picture's height in pixels, together with width and in place of size.",
     .own = true,
     .shape = true,
     .min = 1,
     .max = 65535},
    {.name = "image",
     .type = STEPIMG_IMAGE,
     .description = "The picture to edit: PNG, JPEG, WebP or GIF. The result is as large as it is.",
     .max = 4096},
    {.name = "n",
     .type = STEPIMG_INTEGER,
     .description = "How many pictures one answer brings.",
     .min = 1,
     .max = 1,
     .has_default = true,
     .server_default = {.type = STEPIMG_INTEGER, .as.integer = 1}},
    {.name = "response_format",
     .type = STEPIMG_STRING,
     .description = "How the picture travels: in the answer, or as a link that is then followed.",
     .choices = response_formats,
     .has_default = true,
     .server_default = {TEXT("url")},
     .sent_default = "b64_json"}, /* one round trip, and no link that expires */
    {.name = "seed",
     .type = STEPIMG_INTEGER,
     .description =
         "The same seed with the same parameters asks for the same picture; without one the service picks it.",
     .min = 0,
     .max = 2147483647},
    {.name = "steps",
     .type = STEPIMG_INTEGER,
     .description = "How many steps the service takes to make the picture.",
     .min = 1,
     .max = 50,
     .has_default = true,
     .server_default = {.type = STEPIMG_INTEGER, .as.integer = 8}},
    {.name = "cfg_scale",
     .type = STEPIMG_NUMBER,
     .description = "How closely the picture follows the prompt.",
     .min = 1,
     .max = 10,
     .has_default = true,
     .server_default = {.type = STEPIMG_NUMBER, .as.number = 1}},
    {.name = "negative_prompt",
     .type = STEPIMG_STRING,
     .description = "What the picture is not to show; it has no effect while cfg_scale is 1.",
     .max = 512,
     .has_default = true,
     .server_default = {TEXT("")}},
    {.name = "text_mode",
     .type = STEPIMG_BOOLEAN,
     .description = "Help for pictures with text in them.",
     .has_default = true,
     .server_default = {.type = STEPIMG_BOOLEAN, .as.boolean = false}},
    {.name = "model",
     .type = STEPIMG_STRING,
     .description = "Which model makes the picture.",
     .choices = model_names,
     .sent_default = STEP_IMAGE_EDIT_2},
};

static const struct stepimg_model models[] = {
    {.name = STEP_IMAGE_EDIT_2,
     .rules = step_image_edit_2,
     .rule_count = COUNT_OF(step_image_edit_2),
     .sizes = step_image_edit_2_sizes,
     .size_count = COUNT_OF(step_image_edit_2_sizes)},
};

const struct stepimg_model *stepimg_models(size_t *count)
{
  *count = COUNT_OF(models);
  return models;
}
